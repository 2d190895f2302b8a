"""The kit refuses to run what it did not lock, and says what it lacks."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import WorkError
from tests.kafka.jars import COPY, HERE, LOCK, POM, check, jars, java

ROOT = HERE.parents[1]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Two jars that are locked and there."""
    (tmp_path / "libs").mkdir()
    lines = []
    for name in ("a-1.jar", "b-2.jar"):
        (tmp_path / "libs" / name).write_bytes(name.encode())
        lines.append(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n")
    path = tmp_path / "jars.sha256"
    path.write_text("".join(lines))
    return path


def test_what_is_locked_is_let_through(lock: Path) -> None:
    check(lock.parent / "libs", lock)


def test_a_changed_missing_or_foreign_jar_is_refused_by_name(lock: Path) -> None:
    libs = lock.parent / "libs"
    (libs / "a-1.jar").write_bytes(b"other")
    (libs / "b-2.jar").unlink()
    (libs / "c-3.jar").touch()
    other = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(WorkError, match="are not run") as caught:
        check(libs, lock)
    for part in (f"a-1.jar has SHA-256 {other}", "b-2.jar is missing", "c-3.jar is not in the list", str(libs)):
        assert part in str(caught.value)


def test_every_version_is_written_down() -> None:
    """What Maven may choose is what was locked: each jar of the list is an artefact of the pom, version and all."""
    managed = POM.read_text(encoding="utf-8").partition("<dependencyManagement>")[2]
    pattern = r"<artifactId>([^<]+)</artifactId><version>([^<]+)</version>"
    pinned = {f"{artefact}-{version}.jar" for artefact, version in re.findall(pattern, managed)}
    assert pinned == {line.split()[1] for line in LOCK.read_text(encoding="ascii").splitlines()}
    assert {"kafka_2.13-4.1.0.jar", "kafka-tools-4.1.0.jar", "kafka-clients-4.1.0.jar"} <= pinned
    assert re.fullmatch(r".*:maven-dependency-plugin:[\d.]+:copy-dependencies", COPY)


@pytest.mark.parametrize(
    ("said", "way"), [(None, "no `java` on the PATH"), ("11.0.20", "says 'openjdk version \"11.0.20\"'")]
)
def test_no_java_or_an_old_one_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, way: str
) -> None:
    if said is not None:
        script = tmp_path / "java"
        script.write_text(f"#!/bin/sh\necho 'openjdk version \"{said}\"' >&2\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkError, match=re.escape(way)) as caught:
        java()
    assert "Java 17 or later" in str(caught.value)
    assert "apt-get install default-jre-headless" in str(caught.value)


def test_no_maven_is_told_and_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkError, match=r"no `mvn` on the PATH.*apt-get install maven"):
        jars(tmp_path / "tools")
    assert list((tmp_path / "tools").iterdir()) == []


def test_a_maven_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "mvn"
    script.write_text("#!/bin/sh\necho '[ERROR] Unknown host'\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(WorkError, match=r"(?s)could not fetch Apache Kafka \(status 1\).*Unknown host"):
        jars(tmp_path / "tools")
    assert list((tmp_path / "tools").iterdir()) == []


def test_the_command_says_it_in_a_sentence(tmp_path: Path) -> None:
    """What `make kafka` prints first on a machine without Java."""
    assert shutil.which("java", path=str(tmp_path)) is None
    done = subprocess.run(
        [sys.executable, "-m", "tests.kafka.jars"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Apache Kafka needs Java 17 or later, and there is no `java` on the PATH.")
    assert "Traceback" not in done.stderr
