"""Which files PoseLift fetches, from which public package, and how to know they are the right ones.

Nothing here is shipped with PoseLift: each file is taken out of a package that its authors publish,
through the user's own pip or npm, and held to its SHA-256.
"""

from dataclasses import dataclass

from core.contracts import PoseModel


@dataclass(frozen=True)
class PipWheel:
    """A wheel that ``pip download`` can fetch, on any machine, without installing it.

    Attributes:
        requirement: the package with its exact version, as pip takes it.
        size_bytes: of the wheel, so that a download can say how far it is.
        platform_arguments: for a wheel built for one platform: which, whatever runs here.
    """

    requirement: str
    size_bytes: int
    platform_arguments: tuple[str, ...] = ()

    @property
    def tool(self) -> str:
        return "pip"


@dataclass(frozen=True)
class NpmPackage:
    """A package that ``npm pack`` can fetch.

    Attributes:
        requirement: the package with its exact version, as npm takes it.
        size_bytes: of the packed archive.
    """

    requirement: str
    size_bytes: int

    @property
    def tool(self) -> str:
        return "npm"


Package = PipWheel | NpmPackage


@dataclass(frozen=True)
class Asset:
    """One file inside a package.

    Attributes:
        name: what it is called in the cache folder, and on the command line.
        member: its path inside the package's archive.
        sha256: of the file itself, in hex.
        licence: SPDX identifier.
    """

    name: str
    purpose: str
    package: Package
    member: str
    sha256: str
    size_bytes: int
    licence: str


MEDIAPIPE_WHEEL = PipWheel(
    requirement="mediapipe==0.10.21",  # the last release line whose wheels carry the networks
    size_bytes=35_622_638,
    platform_arguments=("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"),
)
MEDIAPIPE_NPM = NpmPackage(requirement="@mediapipe/pose@0.5.1675469404", size_bytes=40_985_403)
SPORTS2D_WHEEL = PipWheel(requirement="sports2d==0.8.34", size_bytes=9_050_415)

POSE_DETECTOR = Asset(
    name="pose_detection.tflite",
    purpose="finds people in a picture",
    package=MEDIAPIPE_WHEEL,
    member="mediapipe/modules/pose_detection/pose_detection.tflite",
    sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    size_bytes=2_959_046,
    licence="Apache-2.0",
)
POSE_LANDMARKS = {
    PoseModel.LITE: Asset(
        name="pose_landmark_lite.tflite",
        purpose="33 landmarks of a person, fastest",
        package=MEDIAPIPE_NPM,
        member="package/pose_landmark_lite.tflite",
        sha256="f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
        size_bytes=2_819_824,
        licence="Apache-2.0",
    ),
    # The npm package holds the same file, but pip is there wherever PoseLift was installed.
    PoseModel.FULL: Asset(
        name="pose_landmark_full.tflite",
        purpose="33 landmarks of a person, the default",
        package=MEDIAPIPE_WHEEL,
        member="mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        size_bytes=6_440_512,
        licence="Apache-2.0",
    ),
    PoseModel.HEAVY: Asset(
        name="pose_landmark_heavy.tflite",
        purpose="33 landmarks of a person, most accurate",
        package=MEDIAPIPE_NPM,
        member="package/pose_landmark_heavy.tflite",
        sha256="59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
        size_bytes=27_709_200,
        licence="Apache-2.0",
    ),
}
DEMO_CLIP = Asset(
    name="demo.mp4",
    purpose="a clip with two people, for the demo and the tests",
    package=SPORTS2D_WHEEL,
    member="Sports2D/Demo/demo.mp4",
    sha256="d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039",
    size_bytes=3_968_304,
    licence="BSD-3-Clause",
)

ASSETS: tuple[Asset, ...] = (POSE_DETECTOR, *POSE_LANDMARKS.values(), DEMO_CLIP)


def pose_assets(pose_model: PoseModel) -> tuple[Asset, Asset]:
    """The detector and the landmark network that make up a pose bundle."""
    return POSE_DETECTOR, POSE_LANDMARKS[pose_model]
