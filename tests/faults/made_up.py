"""Containers that nobody ever wrote: strategies that build them from their own parts."""

from hypothesis import strategies as st

from tests.faults.hostile import ebml
from tests.faults.hostile.boxes import box

FOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex", b"udta", b"dinf")
LEAVES = (
    b"ftyp", b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"vmhd", b"dref", b"stsd", b"stts", b"stsc",
    b"stco", b"co64", b"ctts", b"stss", b"elst", b"tfhd", b"tfdt", b"trex", b"mdat", b"free",
    b"sidx", b"pssh", b"meta", b"ilst", b"cmov", b"uuid", b"wide", b"skip", b"chap", b"tref",
)  # fmt: skip
ELEMENTS = (
    ebml.SEGMENT, ebml.TRACKS, ebml.TRACK_ENTRY, ebml.VIDEO, ebml.CLUSTER, ebml.TAGS, 0x1549A966,
    0x114D9B74, 0x1C53BB6B, 0xA3, 0xA0, 0xA1, 0xD7, 0x73C5, 0x83, 0x86, 0x63A2, 0xB0, 0xBA, 0x54B0,
    0x2AD7B1, 0x4489, 0xE7, 0x6D80, 0x6240, 0x5034, 0x23E383, ebml.ATTACHMENTS, ebml.CHAPTERS,
)  # fmt: skip
small = st.binary(max_size=60)
"""The content of a box, an element or a header."""

leaves = st.builds(box, st.sampled_from(LEAVES), small)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, parts: box(kind, *parts), st.sampled_from(FOLDERS), st.lists(inner, max_size=5)
    ),
    max_leaves=25,
)
films = st.lists(trees, max_size=6).map(
    lambda boxes: box(b"ftyp", b"isom\0\0\0\0") + b"".join(boxes)
)

elements = st.recursive(
    st.builds(ebml.element, st.sampled_from(ELEMENTS), small),
    lambda inner: st.builds(
        lambda number, parts: ebml.element(number, *parts),
        st.sampled_from(ELEMENTS),
        st.lists(inner, max_size=5),
    ),
    max_leaves=25,
)
matroska = st.lists(elements, max_size=6).map(
    lambda parts: (
        ebml.element(ebml.HEAD, b"\x42\x82\x88matroska") + ebml.element(ebml.SEGMENT, *parts)
    )
)
transport = st.lists(
    st.binary(min_size=187, max_size=187).map(lambda rest: b"\x47" + rest), min_size=3, max_size=12
).map(b"".join)
riff = st.lists(
    st.tuples(
        st.sampled_from((b"hdrl", b"avih", b"strl", b"strh", b"strf", b"movi", b"00dc", b"idx1")),
        small,
    ),
    max_size=12,
).map(
    lambda chunks: (
        b"RIFF\0\1\0\0AVI "
        + b"".join(kind + len(body).to_bytes(4, "little") + body for kind, body in chunks)
    )
)


containers = st.one_of(films, matroska, transport, riff)
"""A file that begins like a video and holds anything."""
