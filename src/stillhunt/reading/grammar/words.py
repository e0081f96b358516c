"""What the grammar knows of English words: the closed classes, and the verbs that reports use with their forms."""

from __future__ import annotations

from functools import cache

__all__ = [
    "ABBREVIATIONS",
    "ADJECTIVES",
    "ADVERBS",
    "AUXILIARIES",
    "CONJUNCTIONS",
    "DETERMINERS",
    "MODALS",
    "NEGATIONS",
    "NOUNISH",
    "NUMBERS",
    "POSSESSIVES",
    "PREPOSITIONS",
    "PRONOUNS",
    "SUBORDINATORS",
    "verb_forms",
]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ABBREVIATIONS = _set(
    "mr mrs ms dr prof st jr sr gen col lt sgt rep sen gov hon rt no nos art para fig vol inc ltd co corp llc plc bros "
    "jan feb mar apr jun jul aug sep sept oct nov dec v vs etc e.g i.e u.s u.k u.n e.u d.c ph.d a.k.a approx dept est"
)

DETERMINERS = _set(
    "the a an this that these those each every both either neither any some all another such no several many most "
    "few various numerous multiple"
)
PRONOUNS = _set("it they he she we i you them him us itself themselves himself herself one who whom")
POSSESSIVES = _set("its their his her our my your whose")
PREPOSITIONS = _set(
    "of in on at by for with from to into onto against across through throughout within without under over between "
    "among amid during since until till before after about around near via per behind beyond toward towards upon "
    "including concerning regarding despite like as than inside outside alongside above below off out up down "
    "following unlike versus pursuant worldwide"
)
CONJUNCTIONS = _set("and or but nor yet")
SUBORDINATORS = _set(
    "when while because although though whereas where if unless whether once which who that how why what"
)
AUXILIARIES = _set("be is are was were been being am has have had having do does did")
MODALS = _set("will would can could may might shall should must cannot")
NEGATIONS = _set("not never n't n’t")
NUMBERS = _set(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands "
    "million millions billion billions dozen dozens first second third half"
)
ADVERBS = _set(
    "also still often once then now already previously currently recently later earlier mostly mainly primarily "
    "largely repeatedly reportedly allegedly apparently probably likely possibly perhaps almost even just only again "
    "successfully likewise instead however moreover furthermore therefore thus too very more less further together "
    "ever well soon today yesterday tomorrow surprisingly directly closely widely publicly first undoubtedly "
    "particularly specifically especially typically usually sometimes frequently historically clearly formally "
    "officially actively heavily jointly here there thereby abroad elsewhere respectively overseas ago rather quite "
    "otherwise certainly highly purportedly supposedly ostensibly seemingly evidently so"
)
ADJECTIVES = _set(
    "behind responsible aware unaware likely unlikely certain possible active able capable consistent available "
    "chinese russian iranian american british north south korean east west western eastern northern southern"
)

NOUNISH = _set(
    "attack target hack report charge claim access exploit leak breach sanction control use campaign link name state "
    "work plan aim focus view effort support fund back compromise release contract scan probe phish damage harm "
    "impact order dump research study test trick spy process market trade share request answer cover front call plant "
    "host log file list note pose play blame mask cost need risk threat hope fear track mark concern result cause "
    "increase decrease rise drop change start end stop help run set show move act place force function lure raid "
    "interest benefit design trust label term purchase sale transfer record issue sentence award document detail "
    "influence lead match measure number object offer operate pay present profit program project promise question "
    "reach return reward search seat service signal source stage step strike struggle subject surge task tool train "
    "transport travel treat turn update visit vote warrant watch wave wipe witness monitor bypass install patch post "
    "group account email form value question interest document condition number position picture purpose range "
    "land water paper ship fire object program age house school study order surface matter district credential wave "
    "draft outline abuse appeal decline deal demand deploy estimate exchange exit express fake fight finish guard guide"
)
"""Verbs whose bare form and whose form in -s are as often nouns."""

_REGULAR = [
    "abuse",
    "accept",
    "access",
    "accompany",
    "accomplish",
    "account",
    "accuse",
    "achieve",
    "acknowledge",
    "acquire",
    "act",
    "add",
    "address",
    "admit",
    "advance",
    "advise",
    "affect",
    "affiliate",
    "aid",
    "aim",
    "alert",
    "align",
    "allege",
    "allow",
    "alter",
    "amend",
    "analyse",
    "analyze",
    "announce",
    "answer",
    "appeal",
    "appear",
    "apply",
    "appoint",
    "approach",
    "approve",
    "arrest",
    "ask",
    "assemble",
    "assert",
    "assess",
    "assign",
    "assist",
    "associate",
    "assume",
    "attach",
    "attack",
    "attempt",
    "attend",
    "attribute",
    "author",
    "authorise",
    "authorize",
    "avoid",
    "award",
    "back",
    "backdoor",
    "base",
    "behave",
    "belong",
    "benefit",
    "blackmail",
    "blame",
    "block",
    "boast",
    "breach",
    "brick",
    "brief",
    "broaden",
    "build",
    "call",
    "campaign",
    "cancel",
    "capture",
    "carry",
    "cause",
    "cease",
    "challenge",
    "change",
    "characterise",
    "characterize",
    "charge",
    "circumvent",
    "cite",
    "claim",
    "clarify",
    "clone",
    "close",
    "co-opt",
    "coerce",
    "collaborate",
    "collect",
    "combine",
    "command",
    "comment",
    "commit",
    "communicate",
    "compile",
    "complete",
    "comply",
    "compose",
    "comprise",
    "compromise",
    "conceal",
    "concern",
    "conclude",
    "condemn",
    "conduct",
    "confess",
    "confirm",
    "connect",
    "consider",
    "consist",
    "conspire",
    "constitute",
    "construct",
    "consult",
    "contact",
    "contain",
    "continue",
    "contract",
    "contribute",
    "control",
    "convert",
    "convey",
    "convict",
    "cooperate",
    "coordinate",
    "co-ordinate",
    "copy",
    "correlate",
    "corrupt",
    "counter",
    "cover",
    "craft",
    "crash",
    "create",
    "cripple",
    "criticise",
    "criticize",
    "damage",
    "date",
    "debunk",
    "deceive",
    "declare",
    "declassify",
    "decline",
    "decrypt",
    "dedicate",
    "deface",
    "defend",
    "define",
    "defraud",
    "degrade",
    "delete",
    "deliver",
    "demand",
    "demonstrate",
    "deny",
    "depict",
    "deploy",
    "derive",
    "describe",
    "deserve",
    "design",
    "designate",
    "destabilise",
    "destabilize",
    "destroy",
    "detail",
    "detain",
    "detect",
    "determine",
    "develop",
    "devise",
    "dial",
    "dictate",
    "differ",
    "direct",
    "disable",
    "disagree",
    "discard",
    "disclose",
    "discover",
    "discredit",
    "discuss",
    "disguise",
    "dismiss",
    "dispatch",
    "dispute",
    "disrupt",
    "disseminate",
    "dissuade",
    "distribute",
    "document",
    "dominate",
    "donate",
    "download",
    "draft",
    "drop",
    "dub",
    "dump",
    "duplicate",
    "earn",
    "effect",
    "elect",
    "email",
    "embed",
    "embezzle",
    "emerge",
    "employ",
    "empower",
    "enable",
    "encompass",
    "encourage",
    "encrypt",
    "end",
    "endanger",
    "endorse",
    "enforce",
    "engage",
    "engineer",
    "enhance",
    "ensure",
    "enter",
    "entice",
    "equip",
    "erase",
    "escalate",
    "escape",
    "espouse",
    "establish",
    "estimate",
    "evade",
    "evaluate",
    "evolve",
    "examine",
    "exceed",
    "exchange",
    "execute",
    "exfiltrate",
    "exhibit",
    "exist",
    "expand",
    "expect",
    "experience",
    "explain",
    "exploit",
    "expose",
    "express",
    "extend",
    "extort",
    "extract",
    "face",
    "fabricate",
    "facilitate",
    "fail",
    "fake",
    "falsify",
    "favour",
    "favor",
    "feature",
    "file",
    "finance",
    "finish",
    "focus",
    "follow",
    "force",
    "forge",
    "form",
    "formulate",
    "found",
    "front",
    "fund",
    "function",
    "furnish",
    "gain",
    "gather",
    "generate",
    "govern",
    "grant",
    "group",
    "grow",
    "guard",
    "guide",
    "hack",
    "halt",
    "hamper",
    "handle",
    "happen",
    "harm",
    "harvest",
    "head",
    "help",
    "hijack",
    "hire",
    "hope",
    "host",
    "house",
    "identify",
    "illustrate",
    "impair",
    "impersonate",
    "implant",
    "implement",
    "implicate",
    "imply",
    "import",
    "impose",
    "impact",
    "improve",
    "include",
    "increase",
    "indicate",
    "indict",
    "induce",
    "infect",
    "infer",
    "infiltrate",
    "inflict",
    "influence",
    "inform",
    "inhabit",
    "initiate",
    "inject",
    "injure",
    "inquire",
    "insert",
    "insist",
    "inspect",
    "install",
    "instigate",
    "institute",
    "instruct",
    "intend",
    "intercept",
    "interfere",
    "interrupt",
    "introduce",
    "intrude",
    "invade",
    "invest",
    "investigate",
    "involve",
    "issue",
    "jail",
    "join",
    "judge",
    "justify",
    "kidnap",
    "kill",
    "label",
    "lack",
    "last",
    "laud",
    "launch",
    "launder",
    "learn",
    "leak",
    "lease",
    "leverage",
    "liken",
    "limit",
    "link",
    "list",
    "listen",
    "live",
    "load",
    "locate",
    "lock",
    "log",
    "look",
    "lurk",
    "lure",
    "maintain",
    "manage",
    "manipulate",
    "manufacture",
    "map",
    "market",
    "mask",
    "masquerade",
    "match",
    "merge",
    "migrate",
    "mimic",
    "mine",
    "mitigate",
    "modify",
    "monitor",
    "motivate",
    "mount",
    "move",
    "murder",
    "name",
    "navigate",
    "note",
    "notice",
    "notify",
    "number",
    "obfuscate",
    "object",
    "observe",
    "obtain",
    "occur",
    "offer",
    "open",
    "operate",
    "oppose",
    "order",
    "organise",
    "organize",
    "originate",
    "orchestrate",
    "outline",
    "outnumber",
    "outsource",
    "overlap",
    "own",
    "partner",
    "pass",
    "patch",
    "penetrate",
    "perform",
    "permit",
    "perpetrate",
    "persist",
    "persuade",
    "phish",
    "pinpoint",
    "place",
    "plan",
    "plant",
    "plead",
    "point",
    "pose",
    "position",
    "possess",
    "post",
    "pre-position",
    "preposition",
    "prepare",
    "present",
    "presume",
    "pretend",
    "prevent",
    "probe",
    "process",
    "procure",
    "produce",
    "profit",
    "profess",
    "profile",
    "prohibit",
    "project",
    "promise",
    "promote",
    "prompt",
    "propagate",
    "propose",
    "prosecute",
    "protect",
    "prove",
    "provide",
    "provoke",
    "publicise",
    "publicize",
    "publish",
    "purchase",
    "pursue",
    "question",
    "quote",
    "raid",
    "raise",
    "ransack",
    "reach",
    "react",
    "realise",
    "realize",
    "rebrand",
    "rebuff",
    "rebut",
    "recall",
    "receive",
    "recognise",
    "recognize",
    "recommend",
    "reconstruct",
    "record",
    "recover",
    "recruit",
    "redirect",
    "reduce",
    "refer",
    "refine",
    "reflect",
    "refuse",
    "refute",
    "regard",
    "register",
    "reiterate",
    "reject",
    "relate",
    "relay",
    "release",
    "rely",
    "remain",
    "remediate",
    "remove",
    "render",
    "rent",
    "repeat",
    "replace",
    "reply",
    "report",
    "represent",
    "request",
    "require",
    "research",
    "reside",
    "resolve",
    "respond",
    "restore",
    "restrict",
    "result",
    "retaliate",
    "retain",
    "retract",
    "retrieve",
    "return",
    "reuse",
    "reveal",
    "review",
    "reward",
    "route",
    "sabotage",
    "sanction",
    "satisfy",
    "save",
    "scan",
    "scour",
    "search",
    "seek",
    "seem",
    "seize",
    "select",
    "sentence",
    "separate",
    "serve",
    "settle",
    "share",
    "shift",
    "shoot",
    "show",
    "sign",
    "signal",
    "single",
    "slander",
    "smuggle",
    "solicit",
    "sow",
    "spearphish",
    "spear-phish",
    "specialise",
    "specialize",
    "specify",
    "sponsor",
    "spoof",
    "stage",
    "stand",
    "start",
    "state",
    "stem",
    "stockpile",
    "stop",
    "store",
    "study",
    "stymie",
    "subcontract",
    "submit",
    "subordinate",
    "subvert",
    "succeed",
    "suffer",
    "suggest",
    "supervise",
    "supply",
    "support",
    "surface",
    "surveil",
    "survey",
    "suspect",
    "suspend",
    "sustain",
    "tailor",
    "tamper",
    "target",
    "task",
    "test",
    "testify",
    "thank",
    "threaten",
    "thwart",
    "tie",
    "time",
    "tip",
    "trace",
    "track",
    "trade",
    "traffic",
    "train",
    "transfer",
    "transmit",
    "transport",
    "travel",
    "treat",
    "trick",
    "trigger",
    "trojanise",
    "trojanize",
    "trust",
    "try",
    "turn",
    "typosquat",
    "uncover",
    "undermine",
    "unlock",
    "unmask",
    "unseal",
    "unleash",
    "update",
    "upload",
    "urge",
    "use",
    "utilise",
    "utilize",
    "validate",
    "value",
    "vary",
    "verify",
    "view",
    "violate",
    "visit",
    "vote",
    "vow",
    "wage",
    "wait",
    "want",
    "warn",
    "watch",
    "weaken",
    "weaponise",
    "weaponize",
    "welcome",
    "widen",
    "wipe",
    "witness",
    "work",
    "worry",
    "yield",
    "zero",
    "summarise",
    "summarize",
    "accelerate",
    "advertise",
    "bolster",
    "buttress",
    "counterfeit",
    "inhibit",
    "mention",
    "persecute",
    "harass",
    "intimidate",
    "silence",
    "surround",
    "repress",
    "entrust",
    "commission",
    "mobilise",
    "mobilize",
    "second",
    "staff",
    "complain",
    "warrant",
    "outwit",
    "revise",
    "retool",
    "retrofit",
    "penetrate",
    "characterise",
    "tunnel",
    "traverse",
    "chain",
    "poison",
    "subject",
    "lure",
    "collude",
    "lobby",
    "disavow",
    "denounce",
    "disown",
    "downplay",
    "ridicule",
    "berate",
    "rubbish",
    "lambast",
    "decry",
    "lament",
    "applaud",
    "commend",
    "praise",
    "underscore",
    "underline",
    "stress",
    "emphasise",
    "emphasize",
    "highlight",
    "narrate",
    "recount",
    "pledge",
    "endeavour",
    "endeavor",
    "appraise",
    "steer",
    "reckon",
    "guess",
    "doubt",
    "wonder",
    "speculate",
    "surmise",
    "theorise",
    "posit",
    "opine",
    "contend",
    "argue",
    "maintain",
    "conclude",
    "advocate",
    "predict",
    "forecast",
    "anticipate",
    "foresee",
    "await",
    "delay",
    "linger",
    "dwell",
    "lapse",
    "expire",
    "elapse",
    "convene",
    "specialise",
    "operationalise",
    "operationalize",
]

_DOUBLED = _set(
    "plan ship drop tap equip stop trap swap scan log map strip plot ban tip chat spot tag program refer occur"
)

_IRREGULAR = """
be|is are am was were|been|being
have|has had|had|having
do|does did|done|doing
say|says said|said|saying
tell|tells told|told|telling
steal|steals stole|stolen|stealing
break|breaks broke|broken|breaking
take|takes took|taken|taking
make|makes made|made|making
give|gives gave|given|giving
get|gets got|got gotten|getting
go|goes went|gone|going
come|comes came|come|coming
see|sees saw|seen|seeing
know|knows knew|known|knowing
think|thinks thought|thought|thinking
find|finds found|found|finding
hold|holds held|held|holding
keep|keeps kept|kept|keeping
lead|leads led|led|leading
leave|leaves left|left|leaving
lose|loses lost|lost|losing
mean|means meant|meant|meaning
meet|meets met|met|meeting
pay|pays paid|paid|paying
put|puts put|put|putting
read|reads read|read|reading
run|runs ran|run|running
sell|sells sold|sold|selling
send|sends sent|sent|sending
set|sets set|set|setting
seek|seeks sought|sought|seeking
sit|sits sat|sat|sitting
spend|spends spent|spent|spending
spread|spreads spread|spread|spreading
stand|stands stood|stood|standing
strike|strikes struck|struck striken|striking
hit|hits hit|hit|hitting
understand|understands understood|understood|understanding
undertake|undertakes undertook|undertaken|undertaking
win|wins won|won|winning
write|writes wrote|written|writing
build|builds built|built|building
bring|brings brought|brought|bringing
begin|begins began|begun|beginning
become|becomes became|become|becoming
buy|buys bought|bought|buying
cast|casts cast|cast|casting
choose|chooses chose|chosen|choosing
cost|costs cost|cost|costing
cut|cuts cut|cut|cutting
deal|deals dealt|dealt|dealing
draw|draws drew|drawn|drawing
fall|falls fell|fallen|falling
feel|feels felt|felt|feeling
fight|fights fought|fought|fighting
hide|hides hid|hidden|hiding
lay|lays laid|laid|laying
let|lets let|let|letting
lie|lies lied lay|lied lain|lying
overlap|overlaps overlapped|overlapped|overlapping
hear|hears heard|heard|hearing
play|plays played|played|playing
rise|rises rose|risen|rising
show|shows showed|shown|showing
shut|shuts shut|shut|shutting
speak|speaks spoke|spoken|speaking
spy|spies spied|spied|spying
spin|spins spun|spun|spinning
swear|swears swore|sworn|swearing
teach|teaches taught|taught|teaching
wreak|wreaks wreaked|wreaked|wreaking
withdraw|withdraws withdrew|withdrawn|withdrawing
weave|weaves wove|woven|weaving
siphon|siphons siphoned|siphoned|siphoning
traffic|traffics trafficked|trafficked|trafficking
mimic|mimics mimicked|mimicked|mimicking
commit|commits committed|committed|committing
admit|admits admitted|admitted|admitting
submit|submits submitted|submitted|submitting
transmit|transmits transmitted|transmitted|transmitting
compel|compels compelled|compelled|compelling
control|controls controlled|controlled|controlling
propel|propels propelled|propelled|propelling
rebut|rebuts rebutted|rebutted|rebutting
infer|infers inferred|inferred|inferring
transfer|transfers transferred|transferred|transferring
allot|allots allotted|allotted|allotting
embed|embeds embedded|embedded|embedding
wage|wages waged|waged|waging
"""


def _inflect(base: str) -> tuple[str, str, str]:
    """Return the forms in -s, -ed and -ing of a regular verb."""
    if base.endswith("e"):
        third = base + "s"
        return (
            third,
            base + "d",
            (base[:-2] + "ying" if base.endswith("ie") else base if base.endswith("ee") else base[:-1])
            + ("" if base.endswith("ie") else "ing"),
        )
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies", base[:-1] + "ied", base + "ing"
    stem = base + base[-1] if base in _DOUBLED else base
    third = base + ("es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")
    return third, stem + "ed", stem + "ing"


@cache
def verb_forms() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return every form that a known verb takes: the written word to its (base, form) pairs.

    Forms are ``base``, ``s``, ``past``, ``pp`` and ``ing``; a regular form in -ed is both ``past`` and ``pp``.
    """
    forms: dict[str, list[tuple[str, str]]] = {}

    def note(word: str, base: str, form: str) -> None:
        known = forms.setdefault(word, [])
        if (base, form) not in known:
            known.append((base, form))

    irregular = set()
    for line in _IRREGULAR.strip().splitlines():
        base, finite, participles, gerund = line.split("|")
        irregular.add(base)
        note(base, base, "base")
        for word in finite.split():
            note(word, base, "s" if word.endswith("s") and word != "was" else "past")
        for word in participles.split():
            note(word, base, "pp")
        note(gerund, base, "ing")
    for base in dict.fromkeys(_REGULAR):
        if base in irregular:
            continue
        third, past, gerund = _inflect(base)
        for word, form in ((base, "base"), (third, "s"), (past, "past"), (past, "pp"), (gerund, "ing")):
            note(word, base, form)
    return {word: tuple(known) for word, known in forms.items()}
