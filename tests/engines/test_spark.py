"""Apache Spark finds the same bytes as this machine, also when a worker dies; where it cannot, it says what to do.

Everything stays on the loopback address. A process has one Spark, so hunts are in processes of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from stillhunt.cli.main import main
from stillhunt.engines import spark
from stillhunt.errors import EngineError, MissingExtraError
from stillhunt.workflows import workspace
from stillhunt.workflows.hunt import hunt

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent

needs_pyspark = pytest.mark.skipif(
    find_spec("pyspark") is None or find_spec("pandas") is None, reason="PySpark is not installed: stillhunt[spark]"
)
needs_spark = [
    pytest.mark.spark,
    needs_pyspark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, and there is none"),
]


def hunted(store: Path, master: str, out: Path, *runs: str, kill: int = 0) -> dict[str, dict[str, object]]:
    """Hunt a store in another process; by run, what was found."""
    command = [sys.executable, str(HERE / "hunts.py"), str(store), master, str(out), str(kill), *runs]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return {said["run"]: said for said in map(json.loads, done.stdout.splitlines())}


@pytest.fixture
def cluster_of():
    """The script that starts a cluster, as a function."""
    spec = spec_from_file_location("spark_cluster", REPOSITORY / "benchmarks" / "spark_cluster.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module.cluster
    del sys.modules[spec.name]


def same_as_local(found, brief, out: Path) -> bool:
    workspace.save(brief, out)
    (whole,) = {tuple(said["sha256"]) for said in found.values()}
    names = ("findings.jsonl", "cases.json", "coverage.json", "brief.json", "case.html")
    first = next(iter(found))
    return bool(whole) and all(
        (out.parent / "runs" / first.replace("/", "_") / name).read_bytes() == (out / name).read_bytes()
        for name in names
    )


class TestSpark:
    pytestmark = needs_spark

    def test_one_machine_writes_the_same_bytes_with_any_number_of_workers_and_tasks(self, store, brief, tmp_path):
        # A session for all: starting one takes longer than a hunt of this store.
        runs = ["local-1", "local-2", "spark-1", "spark-2", "spark-7"]
        found = hunted(store, "local[2]", tmp_path / "runs", *runs)
        assert list(found) == runs
        assert same_as_local(found, brief, tmp_path / "local")

    def test_a_cluster_of_two_workers_writes_the_same_bytes_also_when_one_dies(
        self, store, brief, tmp_path, cluster_of
    ):
        # `viewfs` is a file system of Hadoop's own, whose folders exist in its configuration alone: who reads it
        # without Hadoop, on this machine or on a worker, finds nothing.
        link = f"spark.hadoop.fs.viewfs.mounttable.estate.link./kept={store.parent.as_uri()}"
        elsewhere = f"viewfs://estate/kept/{store.name}#3"
        runs = ["spark-1", "spark-2", "spark-7", elsewhere, "killing-12", "spark-3"]
        with cluster_of(2) as cluster:
            found = hunted(store, cluster.master, tmp_path / "runs", link, *runs, kill=cluster.workers[0])
        assert [bool(found[run]["killed"]) for run in runs] == [False, False, False, False, True, True]
        assert same_as_local(found, brief, tmp_path / "local")

    def test_nobody_at_the_address_of_the_master_is_an_error_with_a_remedy(self, store):
        done = _command(store, "spark://127.0.0.1:9")
        assert done.returncode == 4
        assert "spark://127.0.0.1:9: no Spark master answers (hint: check that it runs" in done.stderr

    def test_an_address_that_is_none_is_an_error_with_a_remedy(self, store):
        done = _command(store, "nonsense")
        assert done.returncode == 4
        assert "error: nonsense: Spark does not start" in done.stderr

    def test_a_file_system_that_spark_does_not_know_is_an_error_with_a_remedy(self):
        done = _command("nosuch://bucket/store", "local[1]")
        assert done.returncode == 4
        assert "nosuch://bucket/store: Spark does not know this file system (hint: add its Hadoop" in done.stderr

    @pytest.mark.slow
    def test_real_logs_of_many_kinds_are_hunted_to_the_same_bytes(self, shared_data, tmp_path):
        logs = [shared_data / "evtx" / "deepblue", shared_data / "m365", shared_data / "zeek", shared_data / "linux"]
        brief = hunt([path for path in logs if path.exists()], store=tmp_path / "store").brief
        found = hunted(tmp_path / "store", "local[2]", tmp_path / "runs", "spark-4")
        assert same_as_local(found, brief, tmp_path / "local")


def _command(store: Path | str, master: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stillhunt", "hunt", str(store), "--engine", "spark", "--master", master, "-q"]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "COLUMNS": "400"}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=300)


def test_without_pyspark_the_extra_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtraError) as caught:
        hunt([store], engine="spark", master="local[1]")
    assert caught.value.hint == 'pip install "stillhunt[spark]"'


@needs_pyspark
def test_without_java_the_error_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineError, match="Spark needs Java") as caught:
        hunt([store], engine="spark", master="local[1]")
    assert "JAVA_HOME" in caught.value.hint
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    with pytest.raises(EngineError, match="no Java where JAVA_HOME says"):
        hunt([store], engine="spark", master="local[1]")


@needs_pyspark
def test_spark_connect_is_refused(store):
    with pytest.raises(EngineError, match="Spark Connect is not supported"):
        hunt([store], engine="spark", master="sc://127.0.0.1:15002")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ModuleNotFoundError: No module named 'stillhunt'", "the workers of Spark have no stillhunt"),
        ("[PYTHON_VERSION_MISMATCH] Python in worker has different version", "another version of Python"),
        ('Cannot run program "env/bin/python": error=2', "no such Python"),
        ("[PATH_NOT_FOUND] Path does not exist: hdfs://name/x", "files that the store names are not there"),
        ("[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error", "a worker of Spark cannot read a file"),
        ("Job aborted\n  Traceback\nValueError: something odd\n at java", "Spark failed: ValueError: something odd"),
    ],
)
def test_what_spark_says_becomes_what_to_do(text, message):
    with pytest.raises(EngineError, match=message) as caught, spark._translated("hdfs://name/store"):
        raise RuntimeError(text)
    assert caught.value.where == "hdfs://name/store"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("master", "is_bound"),
    [
        ("local[2]", True),
        ("spark://127.0.0.1:7077", True),
        ("spark://localhost:7077", True),
        ("spark://cluster.example:7077", False),
        ("yarn", False),
        ("k8s://https://127.0.0.1:6443", False),
    ],
)
def test_what_runs_on_this_machine_listens_on_loopback_only(master, is_bound):
    assert (spark._bound(master).get("spark.driver.bindAddress") == "127.0.0.1") is is_bound


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--engine", "spark"], "needs --master"),
        (["--master", "local[2]"], "are for --engine spark"),
        (["--engine", "spark", "--master", "m", "--spark-conf", "x=1"], "wants spark.NAME=VALUE"),
        (["--engine", "spark", "--master", "m", "--spark-conf", "spark.x"], "wants spark.NAME=VALUE"),
    ],
)
def test_a_wrong_command_line_is_told(tmp_path, capsys, arguments, words):
    with pytest.raises(SystemExit) as caught:
        main(["hunt", str(tmp_path), *arguments])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err
