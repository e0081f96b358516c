"""A rule says which vulnerability it shows to be exploited, and a hunt hands it to attribution with its first day."""

from __future__ import annotations

from stillhunt.detection.sigma.load import load_rules
from stillhunt.workflows.hunt import hunt

RULE = """
title: A page nobody asks for
id: 5a2b5a34-33f0-4f5e-9d39-3a1f6c1f2f10
status: test
level: high
logsource: {category: webserver}
detection:
    selection: {cs-uri-stem|contains: /ecp/}
    condition: selection
tags: [attack.initial-access, attack.t1190, cve.2021-26855, cve.2021.27065]
"""
LOG = (
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2021-03-01 00:00:00\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n"
    "2021-03-01 10:00:00 10.0.0.1 POST /ecp/x.js - 443 - 203.0.113.9 curl 200\n"
)


def test_cves_of_a_rule_are_told_and_weighed(tmp_path):
    (tmp_path / "rule.yml").write_text(RULE)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "u_ex210301.log").write_text(LOG)
    (rule,) = load_rules([tmp_path / "rule.yml"]).rules
    assert rule.detector.vulnerabilities == ("CVE-2021-26855", "CVE-2021-27065")
    brief = hunt(tmp_path / "logs", rules=[tmp_path / "rule.yml"], behaviour=False).brief
    weighed = {
        item.title
        for assessment in brief.assessments
        for hypothesis in assessment.hypotheses
        for item in (*hypothesis.evidence_for, *hypothesis.evidence_against)
        if item.kind == "vulnerability"
    }
    assert any("CVE-2021-26855" in title for title in weighed)
