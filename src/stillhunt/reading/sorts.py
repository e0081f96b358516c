"""What sort of thing a noun phrase names, by its head and the names in it: actors, victims, data, papers, offices."""

from __future__ import annotations

import re

__all__ = [
    "ACTORS",
    "ADVERSE_NATIONS",
    "AGENCIES",
    "ATTACKS",
    "COMPANIES",
    "COUNTRIES",
    "DATA",
    "DEFENDERS",
    "DEMONYMS",
    "MALWARE",
    "PAPERS",
    "PEOPLE",
    "ROLES",
    "SAFE_HEADS",
    "SECTORS",
    "SYSTEMS",
    "VICTIMS",
    "country_of",
    "singular",
]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ACTORS = _set(
    "actor hacker group gang team crew operator attacker adversary intruder perpetrator cyber-spook spook cyber-spy "
    "conspirator co-conspirator coconspirator defendant cybercriminal criminal cyberspy collective hacktivist "
    "conspiracy "
    "outfit cell syndicate threat-actor apt cluster affiliate apts culprit member unit brigade contractor spy "
    "spies cyber-actor "
    "fraudster scammer cybercriminals mercenary foe insider accomplice co-defendant unc"
)
ATTACKS = _set(
    "attack cyberattack cyber-attack hack hacking breach cyberbreach intrusion cyber-intrusion incident campaign "
    "operation "
    "activity compromise cyber-incident cyber-operation cyberoperation espionage cyberespionage cyber-espionage "
    "theft raid assault offensive effort reconnaissance spearphishing spear-phishing phishing exploitation "
    "exfiltration "
    "leak disruption sabotage surveillance defacement ddos infection penetration infiltration heist extortion "
    "cyber-snooping snooping interference cyber-onslaught onslaught blackout outage wave scheme plot malware-attack "
    "hack-and-leak cyber-theft cybercrime crime targeting email e-mail message lure wrongdoing behaviour "
    "behavior action"
)
DATA = _set(
    "data information secret record document credential email e-mail file property code password detail message "
    "research "
    "address database blueprint design correspondence communication plan archive byte gigabyte terabyte metadata "
    "intelligence token key certificate cookie contact photograph photo fund money cryptocurrency asset content "
    "material login mailbox dataset technology know-how ip pii number list patent schematic formula specification"
)
SYSTEMS = _set(
    "network system computer account server infrastructure device website site domain grid mailbox inbox machine "
    "workstation database cloud environment router firewall endpoint phone laptop email host controller portal webmail "
    "utility plant facility pipeline software camera appliance gateway service platform"
)
VICTIMS = _set(
    "company companies organisation organization firm business university institution institute industry sector agency "
    "ministry government entity parliament embassy contractor provider operator bank hospital utility party think-tank "
    "tank thinktank airline manufacturer laboratory victim target customer client enterprise corporation supplier "
    "retailer school council municipality city vendor ngo newspaper media outlet association foundation committee "
    "department bureau office commission court judiciary army navy military force body authority charity union "
    "exchange startup broadcaster election subsidiary police community country nation state region msp msps carrier"
)
PEOPLE = _set(
    "politician academic journalist activist dissident critic diplomat official employee officer worker executive "
    "researcher scientist engineer lawyer lawmaker legislator mp mps senator candidate minister citizen person people "
    "individual user member voter athlete visitor partner advocate defender adviser advisor expert scholar professor "
    "student soldier veteran contractor staff personnel uyghur uighur tibetan american briton resident customer "
    "developer opponent supporter campaigner cleric monk minority administrator leader staffer aide president"
)
AGENCIES = _set(
    "ministry bureau directorate agency department service intelligence army unit government military mss mps "
    "pla gru fsb "
    "svr irgc mois rgb nsa cia kgb guard corps navy police state party committee kremlin regime gchq unit-74455 "
    "unit-26165 "
    "office directorate-general ssf command force gts dgse bnd commission administration council nkorea dprk "
    "authorities"
)
COMPANIES = _set(
    "company firm ltd ltd. limited inc inc. co co. corp corp. corporation llc gmbh contractor technology technologies "
    "enterprise enterprises business group holdings startup start-up subsidiary vendor ao ooo jsc plc institute "
    "science trading consulting solutions systems labs"
)
MALWARE = _set(
    "malware ransomware trojan backdoor rootkit wiper implant worm virus botnet rat loader dropper stealer infostealer "
    "exploit toolkit framework tool toolset spyware keylogger webshell shell bootkit payload beacon variant family"
)
PAPERS = _set(
    "indictment report advisory document complaint filing affidavit notice statement paper alert bulletin article blog "
    "post dump leak analysis assessment warrant release investigation research study book letter memo memorandum "
    "presentation court-document transcript file superseding"
)
ROLES = _set(
    "president minister secretary director head chief officer attorney general spokesperson spokesman "
    "spokeswoman agent "
    "analyst commissioner chairman chairwoman chair executive ceo cto ciso founder co-founder cofounder deputy "
    "ambassador "
    "employee researcher manager lead commander colonel captain lieutenant major admiral senator representative "
    "congressman congresswoman mp chancellor premier governor mayor professor scientist engineer owner shareholder "
    "leader boss vice-president administrator adviser advisor prosecutor judge lawyer intelligence-officer hacker "
    "developer programmer member contractor coordinator supervisor fellow expert author journalist consultant "
    "principal "
    "undersecretary under-secretary treasurer speaker operator technician translator recruiter sergeant civil servant"
)
SAFE_HEADS = _set(
    "official prosecutor researcher analyst investigator police authority spokesperson spokesman spokeswoman diplomat "
    "lawmaker minister reporter journalist officials authorities agency agencies advisory report indictment company "
    "customer victim voter defender administrator practitioner organisation organization department court judge "
    "jury law"
)
DEFENDERS = re.compile(
    r"\b(?:FBI|CISA|NSA|NCSC|GCHQ|MI5|MI6|CIA|DOJ|Justice Department|Department of Justice|Treasury|OFAC|OFSI|FCDO|"
    r"Europol|Interpol|ENISA|CERT|ACSC|ASD|CSE|BSI|ANSSI|GCSB|Scotland Yard|Microsoft|Google|Mandiant|FireEye|"
    r"CrowdStrike|Recorded Future|Symantec|ESET|Kaspersky|Cisco|Talos|Proofpoint|SentinelOne|Palo Alto|Unit 42|"
    r"Secureworks|Check Point|Trend Micro|Volexity|Dragos|Facebook|Meta|Twitter|PwC|Booz Allen|Citizen Lab|Amnesty|"
    r"State Department|Department of State|Foreign Office|Home Office|White House|Congress|Parliament|prosecutors?|"
    r"Federal Bureau|Secret Service|researchers?|law enforcement|Defense Department|Department of Homeland)\b"
)
SECTORS = _set(
    "academia aerospace aviation automotive agriculture banking biomedical biotechnology chemical chemicals "
    "construction "
    "defence defense diplomacy education energy engineering entertainment finance financial gaming government health "
    "healthcare hospitality insurance it legal logistics manufacturing maritime media military mining nuclear oil gas "
    "pharmaceutical pharmaceuticals power rail retail robotics satellite semiconductor semiconductors shipping space "
    "technology telecom telecoms telecommunications telecommunication transport transportation travel utilities water "
    "critical-infrastructure infrastructure electronics industrial religion sport sports tourism steel"
)

_NATIONS = """
China|Chinese|PRC|Beijing|People's Republic of China
Russia|Russian|Moscow|Kremlin|Russian Federation
Iran|Iranian|Tehran|Islamic Republic of Iran
North Korea|North Korean|DPRK|Pyongyang
America|American|Americans|United States|U.S.|US|USA|Washington
Britain|British|UK|United Kingdom|U.K.|London|Briton
New Zealand|New Zealander|Wellington
Australia|Australian|Canberra
Canada|Canadian|Ottawa
France|French|Paris
Germany|German|Berlin
Ukraine|Ukrainian|Kyiv|Kiev
Georgia|Georgian
Japan|Japanese|Tokyo
South Korea|South Korean|Republic of Korea|Seoul
Taiwan|Taiwanese|Taipei
India|Indian|New Delhi
Israel|Israeli
Netherlands|Dutch
Norway|Norwegian
Finland|Finnish
Sweden|Swedish
Denmark|Danish
Poland|Polish
Estonia|Estonian
Latvia|Latvian
Lithuania|Lithuanian
Czech Republic|Czech|Czechia
Belgium|Belgian
Italy|Italian
Spain|Spanish
Switzerland|Swiss
Austria|Austrian
Albania|Albanian
Turkey|Turkish|Türkiye
Saudi Arabia|Saudi
United Arab Emirates|UAE|Emirati
Vietnam|Vietnamese
Philippines|Philippine|Filipino
Malaysia|Malaysian
Singapore|Singaporean
Thailand|Thai
Indonesia|Indonesian
Cambodia|Cambodian
Myanmar|Burmese
Mongolia|Mongolian
Pakistan|Pakistani
Belarus|Belarusian
Kazakhstan|Kazakh
Syria|Syrian
Lebanon|Lebanese
Egypt|Egyptian
Brazil|Brazilian
Mexico|Mexican
South Africa|South African
European Union|EU|European|Europe|Brussels
Tibet|Tibetan
Hong Kong
Middle East
Southeast Asia
Central Asia
Africa|African
Asia|Asian
Latin America
"""

COUNTRIES: dict[str, str] = {
    name.casefold(): line.split("|")[0] for line in _NATIONS.strip().splitlines() for name in line.split("|")
}
"""Every name and adjective of a country or region, in lower case, to its name."""

DEMONYMS = frozenset(
    name.casefold()
    for line in _NATIONS.strip().splitlines()
    for name in line.split("|")[1:]
    if name.endswith(("ese", "an", "ish", "ch", "i", "ss", "ean", "ns"))
)
ADVERSE_NATIONS = frozenset(
    {"China", "Russia", "Iran", "North Korea", "Belarus", "Vietnam", "Pakistan", "India", "Syria", "Turkey"}
)
"""States that reports most often name behind intrusions: alone as a subject they may be an actor."""

_COUNTRY = re.compile(
    r"(?<!\w)("
    + "|".join(
        sorted((re.escape(n) for line in _NATIONS.strip().splitlines() for n in line.split("|")), key=len, reverse=True)
    ).replace("'", "['’]")
    + r")(?!\w)"
)


def country_of(text: str) -> str:
    """Return the country that is named first in a text; empty if none is.

    >>> country_of("Chinese hackers")
    'China'
    """
    found = _COUNTRY.search(text)
    return COUNTRIES.get(found.group(1).casefold().replace("’", "'"), "") if found else ""


def singular(low: str) -> str:
    """Return a noun without the plural's ending, roughly.

    >>> singular("companies"), singular("attacks"), singular("businesses")
    ('company', 'attack', 'business')
    """
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    if low.endswith(("sses", "ches", "shes", "xes")):
        return low[:-2]
    if low.endswith("s") and not low.endswith(("ss", "us", "is")):
        return low[:-1]
    return low
