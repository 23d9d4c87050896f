"""Playlists, scripts and descriptions that name other files and hosts, called videos."""

from collections.abc import Callable
from random import Random

from tests.faults.hostile import ebml
from tests.faults.hostile.boxes import box
from tests.faults.hostile.variant import Bait, Material, Variant

_NAMES = ("clip.mp4", "clip.mov", "clip.mkv", "clip.ts", "clip.avi", "clip.m3u8", "clip.sdp")


def disguised(material: Material, dice: Random, index: int) -> Variant:
    """A script as it is, or behind the first bytes of a video, so that it passes as one."""
    scripts, covers = _scripts(material.bait), _covers(material)
    what, script = scripts[index % len(scripts)]
    cover, wrap = covers[index // len(scripts) % len(covers)]
    return Variant(wrap(script.encode()), f"{what} {cover}", dice.choice(_NAMES))


def _targets(bait: Bait) -> list[str]:
    path = str(bait.file)
    return [
        path,
        f"file:{path}",
        f"file://{path}",
        f"{bait.url}/secret.mp4",
        f"concat:{path}|/etc/passwd",
        f"concatf:{path}",
        f"subfile,,start,0,end,64,,:{path}",
        f"crypto:{path}",
        f"cache:{path}",
        f"async:{path}",
        f"data:text/plain;base64,L2V0Yy9wYXNzd2Q=#{path}",
        f"tcp://127.0.0.1:{bait.port}",
        f"udp://127.0.0.1:{bait.port}",
        f"rtmp://127.0.0.1:{bait.port}/live",
        f"rtsp://127.0.0.1:{bait.port}/live",
        f"ftp://127.0.0.1:{bait.port}/a",
        f"tls://127.0.0.1:{bait.port}",
        f"gopher://127.0.0.1:{bait.port}/1",
        f"hls+{bait.url}/a.m3u8",
        f"unix:{path}",
        f"pipe:0|{path}",
        "../../../../../../../etc/passwd",
    ]


def _scripts(bait: Bait) -> list[tuple[str, str]]:
    targets = _targets(bait)
    several = [
        ("a playlist", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"),
        ("a concat script", "ffconcat version 1.0\nfile '{}'\nduration 1\n"),
    ]
    single = [
        ("a key in a playlist", '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{}"\n#EXTINF:1,\na.ts\n'),
        ("a map in a playlist", '#EXTM3U\n#EXT-X-MAP:URI="{}"\n#EXTINF:1,\na.m4s\n'),
        ("a master playlist", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n"),
        ("a DASH manifest", _DASH),
        ("a session description", _SESSION),
        ("a Smooth Streaming manifest", '<SmoothStreamingMedia Url="{}"></SmoothStreamingMedia>'),
        ("an ASX list", '<asx version="3.0"><entry><ref href="{}"/></entry></asx>'),
        ("an XSPF list", '<?xml version="1.0"?><playlist><track><location>{}</location></track>'),
        ("an entity in XML", '<!DOCTYPE a [<!ENTITY b SYSTEM "{}">]><MPD>&b;</MPD>'),
        ("an AviSynth script", 'AviSource("{}")\n'),
        ("a VapourSynth script", 'import os; os.open("{}", 0)\n'),
        ("a filter graph", "movie={}[out0]\n"),
        ("an image sequence", "# image2 {}%03d.png\n"),
        ("a cue sheet", 'FILE "{}" WAVE\n  TRACK 01 AUDIO\n'),
        (
            "a QuickTime link",
            '<?quicktime type="application/x-quicktime-media-link"?><embed src="{}"/>',
        ),
        ("a RealMedia list", "rtsp://x\n{}\n"),
        ("an SVG picture", '<svg xmlns="http://www.w3.org/2000/svg"><image href="{}"/></svg>'),
        ("an MVG picture", "push graphic-context\nfill 'url({})'\npop graphic-context\n"),
    ]
    # The first pass tries every kind of script; the later ones every way to name a target.
    url = targets[3]
    first = [(what, text.format(target)) for what, text in several for target in (url, targets[0])]
    first += [(what, text.format(url)) for what, text in single]
    first += [(what, text.format(targets[0])) for what, text in single]
    return first + [(what, text.format(target)) for what, text in several for target in targets]


def _covers(material: Material) -> list[tuple[str, Callable[[bytes], bytes]]]:
    clip, film = material.clips["h264.ts"], material.clips["h264.mp4"]
    head = box(b"ftyp", b"isom\0\0\2\0isommp41")
    matroska = ebml.element(ebml.HEAD, b"\x42\x82\x84webm")
    return [
        ("behind a box", lambda text: head + text),
        ("as it is", bytes),
        ("in a box", lambda text: head + box(b"moov", text)),
        ("in the pictures", lambda text: head + box(b"mdat", text * 20)),
        ("behind Matroska's head", lambda text: matroska + text),
        ("behind AVI's head", lambda text: b"RIFF\xff\xff\0\0AVI LIST" + text),
        ("behind packets", lambda text: clip[: 188 * 4] + text),
        ("behind a whole video", lambda text: film + text),
    ]  # fmt: skip


_DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">
<BaseURL>{0}</BaseURL><Period><AdaptationSet mimeType="video/mp4"><Representation id="1">
<SegmentList><Initialization sourceURL="{0}"/><SegmentURL media="{0}"/></SegmentList>
</Representation></AdaptationSet></Period></MPD>
"""
_SESSION = """v=0
o=- 0 0 IN IP4 127.0.0.1
s={0}
c=IN IP4 127.0.0.1
t=0 0
a=control:{0}
m=video 9 RTP/AVP 96
a=rtpmap:96 H264/90000
"""
