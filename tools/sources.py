#!/usr/bin/env python3
"""Brings the sources that the project builds on into build/sources, pinned by SHA-256.

Owns: which upstream releases are used, where they come from and what their archives must hash to.
Never: builds, patches or installs anything; needs root; asks the network for what is already there.

MicroPython and lwIP are the `orig` archives of Debian's source packages, fetched by apt-get with a
private configuration; libsodium lies inside PyNaCl's source distribution, fetched by pip. A user's
own checkouts are taken instead when MICROPYTHON_DIR, LWIP_DIR or SODIUM_DIR name them.

    python3 tools/sources.py [micropython] [lwip] [libsodium]
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOWNLOADS = ROOT / "build" / "downloads"
SOURCES = ROOT / "build" / "sources"

# The Debian release whose source packages hold the versions that we pin.
DEBIAN_RELEASE = "trixie"
# A machine of any of these can read that release's source list: same archive, same keys.
DEBIAN_RELEASES = (
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldstable",
    "stable",
    "testing",
    "unstable",
)
KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
)


class Source:
    """One upstream release: `folder` is what build/sources calls it, `archive` what it is fetched as."""

    def __init__(
        self,
        folder: str,
        override: str,
        proof: str,
        registry: str,
        package: str,
        archive: str,
        sha256: str,
    ) -> None:
        self.folder = folder
        self.override = override  # the environment variable that names a user's own checkout
        self.proof = proof  # a file that such a checkout must have
        self.registry = registry
        self.package = package
        self.archive = archive
        self.sha256 = sha256


TABLE = {
    "micropython": Source(
        folder="micropython-1.25.0",
        override="MICROPYTHON_DIR",
        proof="py/runtime.h",
        registry="debian",
        package="micropython",
        archive="micropython_1.25.0+ds.orig.tar.xz",
        sha256="7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
    ),
    "lwip": Source(
        folder="lwip-2.2.1",
        override="LWIP_DIR",
        proof="src/include/lwip/init.h",
        registry="debian",
        package="lwip",
        archive="lwip_2.2.1+dfsg1.orig.tar.xz",
        sha256="83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1",
    ),
    "libsodium": Source(
        folder="pynacl-1.6.2",
        override="SODIUM_DIR",  # the folder src/libsodium of a libsodium tree
        proof="include/sodium.h",
        registry="pypi",
        package="pynacl==1.6.2",
        archive="pynacl-1.6.2.tar.gz",
        sha256="018494d6d696ae03c7e656e5e74cdfd8ea1326962cc401bcf018f1ed8436811c",
    ),
}


class SourceError(Exception):
    """A source could not be had; the message is the one sentence that the user reads."""


def telling_line(output: str) -> str:
    """The line of a failed command's output that says most: its first error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("e:", "error"))]
    return (errors[:1] or lines or ["no message"])[-1]


def run(command: list[str], cwd: Path) -> str:
    """Standard output of `command`; SourceError with its error if it fails."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        name = "pip" if "pip" in command else command[0]
        raise SourceError(f"{name} failed: {telling_line(done.stdout + done.stderr)}")
    return done.stdout


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def debian_archive(scratch: Path) -> str:
    """The URI of the Debian archive that this machine's own apt configuration uses."""
    listing = run(
        [
            "apt-get",
            "indextargets",
            "--no-release-info",
            "--format",
            "$(RELEASE) $(COMPONENT) $(REPO_URI)",
        ],
        scratch,
    )
    for line in listing.splitlines():
        release, _, rest = line.partition(" ")
        component, _, uri = rest.partition(" ")
        if release in DEBIAN_RELEASES and component == "main" and uri:
            return uri
    raise SourceError("this machine's apt configuration names no Debian archive")


def fetch_debian(source: Source, scratch: Path) -> None:
    """Downloads the package's orig archive into `scratch` with an apt configuration that lives there."""
    if shutil.which("apt-get") is None:
        raise SourceError("apt-get is not on this machine")
    keyring = next((path for path in KEYRINGS if os.path.exists(path)), None)
    signed_by = f"[signed-by={keyring}] " if keyring else ""
    (scratch / "lists" / "partial").mkdir(parents=True)
    (scratch / "cache" / "archives" / "partial").mkdir(parents=True)
    (scratch / "sources.list").write_text(
        f"deb-src {signed_by}{debian_archive(scratch)} {DEBIAN_RELEASE} main\n"
    )
    private = [
        f"Dir::Etc::sourcelist={scratch}/sources.list",
        "Dir::Etc::sourceparts=/dev/null",
        f"Dir::State::Lists={scratch}/lists",
        f"Dir::Cache={scratch}/cache",
        f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}",
        "Acquire::Retries=3",
        # Without it a failed update is a warning, and the next command fails with a riddle.
        "APT::Update::Error-Mode=any",
    ]
    options = [word for setting in private for word in ("-o", setting)]
    run(["apt-get", *options, "update"], scratch)
    run(["apt-get", *options, "source", "--download-only", "--tar-only", source.package], scratch)


def fetch_pypi(source: Source, scratch: Path) -> None:
    """Downloads the package's source distribution into `scratch` with pip."""
    venv_python = ROOT / "build" / "venv" / "bin" / "python"
    python = str(venv_python) if venv_python.exists() else sys.executable
    name = source.package.partition("==")[0]
    pip = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name]
    run([*pip, "--dest", str(scratch), source.package], scratch)


def download(source: Source) -> Path:
    """The verified archive in build/downloads, fetched if it is not there yet."""
    archive = DOWNLOADS / source.archive
    if archive.exists() and sha256_of(archive) == source.sha256:
        return archive
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DOWNLOADS) as folder:
        scratch = Path(folder)
        if source.registry == "debian":
            fetch_debian(source, scratch)
        else:
            fetch_pypi(source, scratch)
        fetched = scratch / source.archive
        if not fetched.exists():
            raise SourceError(f"the registry no longer offers {source.archive}")
        found = sha256_of(fetched)
        if found != source.sha256:
            raise SourceError(f"{source.archive} has SHA-256 {found}, expected {source.sha256}")
        os.replace(fetched, archive)
    return archive


def unpack(source: Source, archive: Path) -> None:
    """Unpacks to build/sources/<folder>, all or nothing: a half-unpacked folder never has that name."""
    SOURCES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SOURCES) as scratch:
        try:
            with tarfile.open(archive) as tar:
                if hasattr(tarfile, "data_filter"):
                    tar.extractall(scratch, filter="data")
                else:
                    tar.extractall(scratch)
        except tarfile.CompressionError:
            run(["tar", "-xf", str(archive), "-C", scratch], SOURCES)  # a Python built without xz
        (top,) = Path(scratch).iterdir()
        os.replace(top, SOURCES / source.folder)


def provide(name: str) -> Path:
    """The folder of a source, ready to build from."""
    source = TABLE[name]
    own = os.environ.get(source.override)
    if own:
        if not (Path(own) / source.proof).exists():
            raise SourceError(f"{source.override}={own} has no file {source.proof}")
        return Path(own)
    folder = SOURCES / source.folder
    if not folder.exists():
        print(f"fetching {source.folder}", flush=True)
        try:
            unpack(source, download(source))
        except (SourceError, OSError) as error:
            raise SourceError(
                f"{error} (or set {source.override} to a checkout of yours)"
            ) from None
    return folder


def main(names: list[str]) -> int:
    """Provides the named sources, all of them if none is named."""
    for name in names or TABLE:
        if name not in TABLE:
            print(
                f"sources: unknown source {name!r}, known are {', '.join(TABLE)}", file=sys.stderr
            )
            return 2
        try:
            provide(name)
        except SourceError as error:
            print(f"sources: {name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
