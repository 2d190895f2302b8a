"""Apache Kafka from Maven Central: fetched once into ``.tools``, held against ``jars.sha256`` before every start.

``python -m tests.kafka.jars`` fetches (``make kafka`` does it first); with ``--lock`` it writes ``jars.sha256`` anew
from what Maven resolves, after a change of ``pom.xml``. Where Maven fetches from is Maven's own affair.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from models.errors import WorkError

HERE: Final = Path(__file__).parent
TOOLS: Final = HERE.parents[1] / ".tools"
POM: Final = HERE / "pom.xml"
LOCK: Final = HERE / "jars.sha256"
#: Kafka 4 needs it for the broker.
JAVA: Final = 17
#: The plugin is pinned as well: Maven's own default differs from one release to the next.
COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
#: 100 MB and some 300 small files; 20 to 65 s were seen.
FETCH_TIMEOUT_S: Final = 900.0


def java() -> str:
    """Path of a Java that can run the broker. Raises `WorkError` with the way to get one."""
    path = shutil.which("java")
    if path is None:
        raise WorkError(f"Apache Kafka needs Java {JAVA} or later, and there is no `java` on the PATH. {_way('jre')}")
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA:
        first = said.splitlines()[0] if said else "nothing"
        raise WorkError(f"Apache Kafka needs Java {JAVA} or later; {path} says {first!r}. {_way('jre')}")
    return path


def jars(tools: Path = TOOLS, lock: Path = LOCK) -> Path:
    """The folder with exactly the jars of *lock*, fetched when it is not there yet.

    Raises `WorkError` when Maven is missing or fails, and when a jar is missing, unknown or not what was locked.
    """
    folder = tools / f"kafka-{hashlib.sha256(POM.read_bytes() + lock.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        tools.mkdir(parents=True, exist_ok=True)
        # Checked before it gets its name, and renamed in one step: whoever finds the folder finds all of it.
        with tempfile.TemporaryDirectory(prefix="kafka-fetch-", dir=tools) as part:
            fetched = Path(part) / "jars"
            fetch(fetched)
            check(fetched, lock)
            if not folder.exists():  # another run may have been quicker
                fetched.rename(folder)
    check(folder, lock)
    return folder


def fetch(folder: Path) -> None:
    """Have Maven resolve ``pom.xml`` into *folder*. Raises `WorkError` when it is missing or fails."""
    maven = shutil.which("mvn")
    if maven is None:
        raise WorkError(f"Apache Kafka is fetched with Maven, and there is no `mvn` on the PATH. {_way('maven')}")
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    # Strict checksums: what a mirror garbles is refused by Maven itself, with the address in its message.
    command = [maven, "--batch-mode", "--quiet", "--strict-checksums", "--file", str(POM), COPY, *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise WorkError(f"Maven did not fetch Apache Kafka in {FETCH_TIMEOUT_S:.0f} s: is there a network?") from error
    if done.returncode != 0:
        raise WorkError(f"Maven could not fetch Apache Kafka (status {done.returncode}):\n{done.stdout[-3000:]}")


def check(folder: Path, lock: Path = LOCK) -> None:
    """Raise `WorkError` unless *folder* holds exactly the jars of *lock*, byte for byte."""
    wanted = {name: digest for digest, name in map(str.split, lock.read_text(encoding="ascii").splitlines())}
    found = sums(folder)
    wrong = [
        f"{name} has SHA-256 {found[name]}" for name in sorted(wanted.keys() & found) if found[name] != wanted[name]
    ]
    wrong += [f"{name} is missing" for name in sorted(wanted.keys() - found)]
    wrong += [f"{name} is not in the list" for name in sorted(found.keys() - wanted)]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise WorkError(
            f"The jars in {folder} are not those that {lock.name} locks: {'; '.join(wrong[:5])}{more}. "
            f"They are not run. Remove {folder} to fetch them again; if they differ again, find out why before "
            "you lock them anew."
        )


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in *folder* by its name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _way(package: str) -> str:
    debian = {"jre": "default-jre-headless", "maven": "maven"}[package]
    return f"On Debian and Ubuntu: apt-get install {debian}. The embedded broker needs neither: `make test`."


def main(arguments: list[str]) -> int:
    """Fetch, or with ``--lock`` write the list of checksums anew. Returns the exit status."""
    try:
        if arguments == ["--lock"]:
            with tempfile.TemporaryDirectory(prefix="kafka-lock-") as part:
                fetch(Path(part) / "jars")
                lines = [f"{digest}  {name}\n" for name, digest in sums(Path(part) / "jars").items()]
            LOCK.write_text("".join(lines), encoding="ascii")
            return 0
        java()
        sys.stderr.write(f"Apache Kafka: {jars()}\n")
    except WorkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
