"""What the mail server's front end sees: staff and their telephones, health checks, a scanner, the Internet's noise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from stillhunt.simulation.background.calendar import days, is_patch_day, is_working_day, office_hour
from stillhunt.simulation.chance import hexadecimal, moment, stream, visits, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.world import World

__all__ = ["serve_the_web"]

_OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.13901; Pro)"
_PHONE = "Apple-iPhone12C1/1806.61"
_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/91.0.4472.77 Safari/537.36 Edg/91.0.864.37"
)
_MONITOR = "SampleMonitor/2.1"
_SCANNER = "Mozilla/5.0 (compatible; SampleScan/4.2; internal vulnerability scan)"
_ACTIONS = ("FindConversation", "GetConversationItems", "GetFolder", "GetItem", "UpdateItem", "CreateItem")
_COMMANDS = ("Ping", "Sync", "Sync", "FolderSync", "ItemOperations")

_SCANNED = (
    ("GET", "/owa/../../../../windows/win.ini", "", "400"),
    ("GET", "/owa/auth/current/themes/..%2f..%2fweb.config", "", "404"),
    ("GET", "/ecp/default.flt", "", "302"),
    ("GET", "/ecp/y.js", "", "302"),
    ("GET", "/owa/auth/x.js", "", "404"),
    ("GET", "/phpmyadmin/index.php", "", "404"),
    ("GET", "/cgi-bin/test.cgi", "", "404"),
    ("GET", "/.git/config", "", "404"),
    ("GET", "/server-status", "", "404"),
    ("GET", "/owa/", "id=1%27%20OR%20%271%27=%271", "302"),
    ("GET", "/owa/auth/logon.aspx", "url=%3Cscript%3Ealert(1)%3C/script%3E", "200"),
    ("OPTIONS", "/", "", "200"),
    ("TRACE", "/", "", "501"),
    ("PROPFIND", "/public/", "", "404"),
    ("GET", "/rpc/rpcproxy.dll", "", "401.1"),
    ("GET", "/EWS/Exchange.asmx", "", "401.1"),
    ("GET", "/oab/", "", "401.1"),
    ("GET", "/backup.zip", "", "404"),
)
_SCANNED_SINCE_DISCLOSURE = (
    "GET",
    "/autodiscover/autodiscover.json",
    "@scan.example/owa/&Email=autodiscover.json",
    "400",
)
_DISCLOSED = datetime(2021, 9, 1, tzinfo=UTC)
_NOISE = (
    ("GET", "/", "302"),
    ("GET", "/owa/auth/logon.aspx", "200"),
    ("GET", "/robots.txt", "404"),
    ("GET", "/favicon.ico", "200"),
    ("HEAD", "/", "302"),
    ("GET", "/.env", "404"),
    ("GET", "/wp-login.php", "404"),
    ("POST", "/boaform/admin/formLogin", "404"),
    ("GET", "/owa/", "302"),
    ("GET", "/autodiscover/autodiscover.xml", "401.1"),
)
_STRANGERS = (
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; SampleCensus/1.1; +https://census.example/)",
    "Go-http-client/1.1",
    _BROWSER,
)


def serve_the_web(world: World) -> None:
    """Play every day of the mail server's front end."""
    random = stream(world.seed, "web background")
    monitor = world.estate.host("FILE01").address
    for day in days(world.start, world.end):
        for person in world.estate.staff if world.is_due(random) else ():
            _read_mail(world, random, person, day)
        if world.is_due(random):
            health = moment(random, day, 6.0, 6.2)
            world.web.request(health, "GET", "/owa/healthcheck.htm", client=monitor, agent=_MONITOR)
        for _ in range(visits(random, 2.0 * world.pace)):
            _knock(world, random, moment(random, day, 0, 24))
        if is_patch_day(day - timedelta(days=5)):
            _scan(world, random, moment(random, day, 2.6, 2.8))


def _read_mail(world: World, random: Random, person: Person, day: datetime) -> None:
    is_open = is_working_day(day)
    for _ in range(visits(random, 1.1 if is_open else 0.7)):
        _sync_phone(world, random, person, moment(random, day, office_hour(day, 7), office_hour(day, 22)))
    if is_open and random.random() < 0.75:
        _open_outlook(world, random, person, moment(random, day, office_hour(day, 8.3), office_hour(day, 17)))
    if random.random() < (0.09 if is_open else 0.03):
        _open_owa(world, random, person, moment(random, day, office_hour(day, 17), office_hour(day, 22.5)))


def _sync_phone(world: World, random: Random, person: Person, at: datetime) -> None:
    account = world.estate.account(person)
    command = random.choice(_COMMANDS)
    query = f"Cmd={command}&User={account.replace(chr(92), '%5C')}&DeviceId={person.device}&DeviceType=iPhone"
    world.web.request(
        at,
        "POST",
        "/Microsoft-Server-ActiveSync/default.eas",
        query,
        client=person.home,
        agent=_PHONE,
        username=account,
        taken_ms=random.randrange(300_000, 900_000) if command == "Ping" else None,
    )
    if random.random() < 0.02:
        found = f"Email={world.estate.mailbox(person)}&Protocol=ActiveSync&RedirectCount=1"
        world.web.request(
            wobble(random, at, -9, -2),
            "GET",
            "/autodiscover/autodiscover.json",
            found,
            client=person.home,
            agent=_PHONE,
        )


def _open_outlook(world: World, random: Random, person: Person, at: datetime) -> None:
    account = world.estate.account(person)
    mailbox = f"mailboxId={hexadecimal(stream(world.seed, person.login), 32)}@{world.estate.organisation.domain}"
    if random.random() < 0.15:
        for status in ("401.1", "200"):
            world.web.request(
                at,
                "POST",
                "/autodiscover/autodiscover.xml",
                client=person.seat,
                agent=_OUTLOOK,
                username=account if status == "200" else "",
                status=status,
                win32=0 if status == "200" else 2148074254,
            )
    world.web.request(
        wobble(random, at, 1, 9), "POST", "/mapi/emsmdb/", mailbox, client=person.seat, agent=_OUTLOOK, username=account
    )
    if random.random() < 0.4:
        world.web.request(
            wobble(random, at, 10, 60),
            "POST",
            "/EWS/Exchange.asmx",
            client=person.seat,
            agent=_OUTLOOK,
            username=account,
        )


def _open_owa(world: World, random: Random, person: Person, at: datetime) -> None:
    account = world.estate.account(person)
    client, web = person.home, world.web
    web.request(at, "GET", "/owa/", client=client, agent=_BROWSER, status="302")
    form = wobble(random, at, 0.3, 1)
    web.request(form, "GET", "/owa/auth/logon.aspx", "replaceCurrent=1&reason=0", client=client, agent=_BROWSER)
    sent = wobble(random, at, 4, 20)
    web.request(sent, "POST", "/owa/auth.owa", client=client, agent=_BROWSER, username=account, status="302")
    web.request(wobble(random, sent, 0.5, 2), "GET", "/owa/", client=client, agent=_BROWSER, username=account)
    for number in range(1 + visits(random, 2)):
        action = random.choice(_ACTIONS)
        query = f"action={action}&app=Mail&n={number + 3}"
        later = wobble(random, sent, 5 + 30 * number, 30 + 30 * number)
        web.request(later, "POST", "/owa/service.svc", query, client=client, agent=_BROWSER, username=account)
    mail = world.machines["MAIL01"]
    session = mail.log_on(sent, person, logon_type=8, address=client, package="Negotiate", workstation=mail.host.name)
    mail.log_off(wobble(random, sent, 30, 900), session, 8)


def _knock(world: World, random: Random, at: datetime) -> None:
    method, path, status = random.choice(_NOISE)
    world.web.request(
        at, method, path, client=random.choice(world.estate.neighbours), agent=random.choice(_STRANGERS), status=status
    )


def _scan(world: World, random: Random, at: datetime) -> None:
    tried = [*_SCANNED, _SCANNED_SINCE_DISCLOSURE] if at >= _DISCLOSED else list(_SCANNED)
    random.shuffle(tried)
    for number, (method, path, query, status) in enumerate(tried):
        when = wobble(random, at, 2 * number, 2 * number + 1.8)
        world.web.request(when, method, path, query, client=world.estate.scanner, agent=_SCANNER, status=status)
