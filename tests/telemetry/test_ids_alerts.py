"""Alerts of sensors: tables of any making, Snort's, Wazuh's and AMiner's."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.recognition import recognise
from stillhunt.telemetry.source import SOURCES, LogFile

AT = datetime(2022, 1, 15, 2, 32, 32, tzinfo=UTC)


def read(source, text):
    content = text if isinstance(text, bytes) else text.encode()
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)), modified=datetime(2022, 6, 1, tzinfo=UTC))
    return list(SOURCES[source].read(log)), log


TABLES = {
    "seconds, with the sensor in the name": (
        "time,name,ip,host,short\n1642213952,Wazuh: Common web attack.,192.0.2.7,Web1,W\n",
        "wazuh",
        {"event.action": "Common web attack.", "source.ip": "192.0.2.7", "host.name": "web1"},
    ),
    "semicolons and two ends": (
        (
            "timestamp;src_ip;dest_ip;dest_port;signature;severity\n"
            "2022-01-15T02:32:32Z;192.0.2.7;10.0.0.1;443;ET SCAN x;2\n"
        ),
        "ids",
        {"source.ip": "192.0.2.7", "destination.ip": "10.0.0.1", "destination.port": "443"},
    ),
    "milliseconds": (
        "alert_time,alert,host,level\n1642213952000,Suricata: Alert - ET POLICY y,fw1,3\n",
        "suricata",
        {"event.action": "ET POLICY y", "host.name": "fw1"},
    ),
    "Snort": (
        "01/15/22-02:32:32.000000 ,1,2009582,3,ET SCAN NMAP,TCP,192.0.2.7,5000,10.0.0.1,80,00:11\n",
        "ids",
        {"event.action": "ET SCAN NMAP", "source.ip": "192.0.2.7", "destination.port": "80"},
    ),
    "Snort without a year": (
        "01/15-02:32:32.000000 ,1,2009582,3,ET SCAN NMAP,TCP,192.0.2.7,5000,10.0.0.1,80,00:11\n",
        "ids",
        {"destination.ip": "10.0.0.1"},
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_of_alerts_are_known_by_their_headings(case):
    text, product, common = TABLES[case]
    assert recognise(text.encode()) == "ids_csv"
    [(event_class, row)], log = read("ids_csv", text)
    assert (log.n_unread, event_class.product, event_class.services, row.at) == (0, product, {"alert"}, AT)
    assert common.items() <= row.common.items()


@pytest.mark.parametrize("heading", ["time,name,value", "timestamp,host,message", "name,ip,level"])
def test_other_tables_are_left_to_others(heading):
    assert recognise(f"{heading}\n1642213952,b,192.0.2.7\n".encode()) != "ids_csv"


def test_rows_without_a_time_are_counted():
    rows, log = read("ids_csv", "time,name,ip,short\n,Wazuh: x,192.0.2.7,s\n1642213952,Wazuh: y,192.0.2.7,s\n")
    assert (len(rows), log.n_unread) == (1, 1)


WAZUH = {
    "timestamp": "2022-01-15T02:32:32.000+0000",
    "rule": {"level": 10, "description": "sshd: brute force", "id": "5712", "mitre": {"id": ["T1110"]}},
    "agent": {"id": "001", "name": "Web1"},
    "data": {"srcip": "192.0.2.7", "dstuser": "root"},
    "full_log": "x",
}


@pytest.mark.parametrize("wrap", [lambda a: a, lambda a: {"_index": "i", "_source": a}], ids=["file", "index"])
def test_an_alert_of_wazuh_names_rule_host_and_address(wrap):
    text = json.dumps(wrap(WAZUH)) + "\n"
    assert recognise(text.encode()) == "wazuh_alerts"
    [(event_class, row)], _ = read("wazuh_alerts", text)
    assert (event_class.product, row.at, row.native["rule.level"]) == ("wazuh", AT, "10")
    expected = {"host.name": "web1", "source.ip": "192.0.2.7", "user.target.name": "root"}
    assert expected.items() <= row.common.items()


def test_the_manager_speaks_for_the_host_that_it_heard():
    told = {**WAZUH, "agent": {"id": "000", "name": "manager"}, "predecoder": {"hostname": "mail1"}}
    [(_, row)], _ = read("wazuh_alerts", json.dumps(told))
    assert row.common["host.name"] == "mail1"


def test_an_anomaly_of_aminer_holds_the_line():
    told = {
        "AnalysisComponent": {"AnalysisComponentName": "AMiner: High entropy in DNS domain.", "Message": "m"},
        "LogData": {"RawLogData": ["query x"], "Timestamps": [1642213952]},
        "AMiner": {"ID": "192.0.2.9"},
    }
    assert recognise(json.dumps(told).encode()) == "aminer_alerts"
    [(_, row)], _ = read("aminer_alerts", json.dumps(told))
    assert (row.at, row.native["message"], row.common["source.ip"]) == (AT, "query x", "192.0.2.9")


@pytest.mark.parametrize("source", ["ids_csv", "wazuh_alerts", "aminer_alerts"])
@given(rubbish=st.binary(max_size=200), at=st.integers(0, 300))
def test_damage_is_never_fatal(source, rubbish, at):
    whole = (TABLES["semicolons and two ends"][0] + json.dumps(WAZUH)).encode()
    rows, log = read(source, whole[:at] + rubbish + whole[at:])
    assert len(rows) + log.n_unread <= whole.count(b"\n") + rubbish.count(b"\n") + rubbish.count(b"\r") + 3


def test_all_alerts_of_a_real_network_are_read(shared_data):
    reading = Reading([shared_data / "alerts" / "ait-ads" / "russellmitchell_alerts.csv.gz"])
    n_events = sum(batch.data.num_rows for batch in reading.batches())
    (file,) = reading.coverage().files
    assert (file.source, n_events, file.n_unread) == ("ids_csv", 45_544, 0)
