"""What the public web server and the two servers behind it see: visitors, robots, editors, nightly jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from stillhunt.simulation.background.calendar import days, is_patch_day, is_working_day, office_hour
from stillhunt.simulation.background.network import site_address
from stillhunt.simulation.chance import hexadecimal, moment, stream, visits, wobble
from stillhunt.simulation.estate import Host
from stillhunt.simulation.linux import LinuxServer
from stillhunt.simulation.parts import Part
from stillhunt.simulation.world import World

__all__ = ["ask_site", "host_the_site", "site_host"]

_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/102.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.5 Safari/605",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 15_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
_ROBOT = "Mozilla/5.0 (compatible; SampleBot/2.1; +https://bot.example/)"
_SCANNER = "Mozilla/5.0 (compatible; SampleScan/4.2; internal vulnerability scan)"
_PAGES = ("/", "/about/", "/news/", "/contact/", "/publications/", "/events/", "/style.css", "/logo.png")
_NOISE = (
    ("GET", "/wp-login.php", 404),
    ("GET", "/.env", 404),
    ("GET", "/.git/config", 404),
    ("POST", "/xmlrpc.php", 404),
    ("GET", "/phpmyadmin/index.php", 404),
    ("GET", "/shell.php", 404),
    ("GET", "/uploads/c99.php", 404),
    ("GET", "/?id=1%27%20OR%201=1--", 200),
    ("POST", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", 404),
)


def site_host(world: World) -> Host:
    """Return the public web server."""
    return world.estate.host("web01" if Part.WEB_LINUX in world.parts else "WEB01")


def ask_site(
    world: World,
    at: datetime,
    method: str,
    target: str,
    *,
    client: str,
    agent: str,
    status: int = 200,
    size: int = 9_000,
) -> datetime:
    """Log a request to the public site in its own log and at the sensor; returns the instant of its line."""
    path, _, query = target.partition("?")
    host = site_host(world)
    if Part.WEB_LINUX in world.parts:
        shown = world.servers["web01"].request(at, method, target, client=client, agent=agent, status=status, size=size)
    else:
        shown = world.webs["WEB01"].request(at, method, path, query, client=client, agent=agent, status=str(status))
    if Part.SENSOR in world.parts:
        begun = at - timedelta(milliseconds=180)
        sent = 700 + len(target)
        name = f"www.{world.estate.organisation.domain}"
        world.sensor.connect(begun, client, host.address, 443, name=name, sent=sent, received=size, is_inbound=True)
    return shown


def host_the_site(world: World) -> None:
    """Play every day of the site and of the servers behind it."""
    random = stream(world.seed, "hosting background")
    for day in days(world.start, world.end):
        for _ in range(visits(random, 0.8 + 6 * world.pace)):
            client, agent = random.choice(world.estate.neighbours), random.choice((*_BROWSERS, _ROBOT))
            page = random.choice(_PAGES)
            ask_site(
                world,
                moment(random, day, 0, 24),
                "GET",
                page,
                client=client,
                agent=agent,
                size=random.randrange(900, 60_000),
            )
        for _ in range(visits(random, 0.3 + world.pace)):
            method, target, status = random.choice(_NOISE)
            client = random.choice(world.estate.neighbours)
            at = moment(random, day, 0, 24)
            ask_site(world, at, method, target, client=client, agent="Mozilla/5.0 zgrab/0.x", status=status, size=410)
        if is_working_day(day) and random.random() < 0.12:
            _edit(world, random, moment(random, day, office_hour(day, 9), office_hour(day, 17)))
        if is_patch_day(day - timedelta(days=5)):
            _scan(world, random, moment(random, day, 2.4, 2.6))
        _run_linux(world, random, day)


def _edit(world: World, random: Random, at: datetime) -> None:
    """An editor of the house puts up a text with a picture."""
    client, agent = world.estate.egress, _BROWSERS[0]
    ask_site(world, at, "POST", "/admin/login", client=client, agent=agent, status=302)
    later = wobble(random, at, 60, 400)
    ask_site(world, later, "POST", "/admin/upload", client=client, agent=agent)
    picture = f"/uploads/{at:%Y/%m}/picture-{hexadecimal(random, 4)}.jpg"
    ask_site(world, wobble(random, later, 3, 9), "GET", picture, client=client, agent=agent, size=240_000)
    if Part.WEB_LINUX in world.parts:
        on_disk = f"/var/www/html{picture}"
        world.servers["web01"].write_file(wobble(random, later, 0.1, 0.6), "www-data", "/usr/sbin/apache2", on_disk)


def _scan(world: World, random: Random, at: datetime) -> None:
    for number, (method, target, status) in enumerate(_NOISE):
        when = wobble(random, at, 2 * number, 2 * number + 1.8)
        ask_site(world, when, method, target, client=world.estate.scanner, agent=_SCANNER, status=status, size=410)
    for server in world.servers.values():
        for login in ("admin", "test", "oracle"):
            server.refuse(wobble(random, at, 60, 900), login, world.estate.scanner)


def _run_linux(world: World, random: Random, day: datetime) -> None:
    for server in world.servers.values():
        if world.is_due(random):
            server.cron(moment(random, day, 6.4, 6.43), "root")
        if is_working_day(day) and random.random() < 0.2 * world.pace:
            _administer(world, random, server, moment(random, day, office_hour(day, 9), office_hour(day, 17)))
        if day.weekday() == 1 and random.random() < 0.3:
            _deploy(world, random, server, moment(random, day, office_hour(day, 10), office_hour(day, 15)))
        if is_patch_day(day):
            _update(world, random, server, moment(random, day, 3, 4))
    if world.is_due(random):
        _dump(world.servers["db01"], random, moment(random, day, 2, 2.1))


def _administer(world: World, random: Random, server: LinuxServer, at: datetime) -> None:
    person = random.choice(world.estate.administrators)
    login = person.login.replace(".", "")
    pid = server.accept(at, login, person.seat, key=person.login)
    line = random.choice(("/usr/bin/systemctl status apache2", "/usr/bin/journalctl -n 200", "/usr/bin/df -h"))
    server.sudo(wobble(random, at, 20, 200), login, line)
    arguments = tuple(line.split())
    server.execute(wobble(random, at, 201, 230), "root", arguments[0], arguments, parent=pid)
    server.leave(wobble(random, at, 400, 2_000), login, pid)


def _deploy(world: World, random: Random, server: LinuxServer, at: datetime) -> None:
    """The house's deployment logs on everywhere with one key, from the file server, and copies a release."""
    address = world.estate.host("FILE01").address
    pid = server.accept(at, "deploy", address, key="deploy")
    line = ("/usr/bin/tar", "-xzf", f"/tmp/release-{at:%y%m%d}.tar.gz", "-C", "/srv/app")
    server.execute(wobble(random, at, 2, 9), "deploy", line[0], line, parent=pid, directory="/home/deploy")
    server.leave(wobble(random, at, 20, 90), "deploy", pid)


def _update(world: World, random: Random, server: LinuxServer, at: datetime) -> None:
    line = ("/usr/bin/apt-get", "-y", "-q", "upgrade")
    server.execute(at, "root", line[0], line)
    if Part.SENSOR in world.parts and server.host.name == "web01":
        name = "packages.sampleos.example"
        answer = site_address(world, name)
        asked = world.sensor.look_up(wobble(random, at, 1, 3), server.host.address, name, answer)
        world.sensor.connect(asked, server.host, answer, 443, name=name, sent=9_000, received=60_000_000, lasted=40)


def _dump(server: LinuxServer, random: Random, at: datetime) -> None:
    """Every night the database is written to a file."""
    server.cron(at, "backup")
    line = ("/usr/bin/mysqldump", "--single-transaction", "--all-databases", "-r", f"/srv/backup/all-{at:%a}.sql")
    server.execute(wobble(random, at, 0.3, 0.9), "backup", line[0], line)
