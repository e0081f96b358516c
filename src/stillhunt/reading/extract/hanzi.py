"""Names in Han letters: organisations by their last word, persons by surname and what stands beside them, places.

Chinese has no spaces. An organisation is read from its last word (公司, 局, 大学) back to the place or the punctuation
that it begins with; words that cannot be part of one (在, 的, 我们) cut it. A person is a surname of a closed list with
one or two letters, where a title, a label, brackets or the edges of a line show that it is a name, or where the same
letters were shown to be one elsewhere in the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from stillhunt.reading.lists import han_places, surnames_han
from stillhunt.reading.mention import Mention

__all__ = ["find_han_names", "has_han"]

_HAN = re.compile(r"[\u4e00-\u9fff]")
_RUN = re.compile(r"[\u4e00-\u9fff]{2,}(?:[（(][\u4e00-\u9fff]{2,6}[）)][\u4e00-\u9fff]+)?")

_LONG_ENDS = (
    *("有限责任公司", "股份有限公司", "有限公司", "分公司", "子公司", "公司", "集团", "研究院", "研究所", "研究中心"),
    *("实验室", "大学", "学院", "学校", "中学", "医院", "银行", "委员会", "办公室", "办公厅", "协会", "学会", "基金会"),
    *(
        "总队",
        "支队",
        "部队",
        "总局",
        "分局",
        "公安局",
        "安全局",
        "国安局",
        "情报局",
        "网信办",
        "国安委",
        "公安部",
        "安全部",
    ),
    *("外交部", "国防部", "财政部", "商务部", "教育部", "科技部", "工信部", "统战部", "宣传部", "组织部", "参谋部"),
    *("公安厅", "安全厅", "国安厅", "财政厅", "检察院", "法院", "大使馆", "领事馆", "电视台", "日报社", "出版社"),
    *("人民政府", "市政府", "省政府", "县政府", "党委", "政协", "联合会", "事务所", "工作室", "俱乐部", "战略支援部队"),
    *("解放军", "国家安全部", "电信", "移动", "联通"),
)
_SHORT_ENDS = ("局", "部", "厅", "署", "院", "办", "处")
"""Last words that many other words end with too: only behind a place, or where `国家` or `中国` begins the name."""

_NOT_ALONE = frozenset(
    {
        *(
            "公司",
            "集团",
            "大学",
            "学院",
            "学校",
            "中学",
            "医院",
            "银行",
            "研究院",
            "研究所",
            "实验室",
            "委员会",
            "办公室",
        ),
        *("协会", "基金会", "总队", "支队", "部队", "总局", "分局", "法院", "检察院", "电信", "移动", "联通", "子公司"),
        *(
            "分公司",
            "有限公司",
            "研究中心",
            "学会",
            "联合会",
            "事务所",
            "工作室",
            "俱乐部",
            "电视台",
            "出版社",
            "办公厅",
        ),
    }
)
_CUTS = re.compile(
    "(?:我们|你们|他们|她们|咱们|这个|那个|这家|那家|该|一家|几家|某|以及|或者|还是|因为|所以|但是|如果|就是|不是|已经|现在|"
    "今天|昨天|明天|曾经|正在|通过|关于|根据|按照|为了|其中|包括|例如|属于|隶属于|来自|作为|成为|担任|任职于|就职于|工作于|"
    "位于|负责|要求|需要|希望|联系|告诉|认为|表示|指出|称为|名为|叫做|加入|攻击了|攻击|入侵了|入侵|渗透了|渗透|窃取了|窃取|"
    "客户是|客户|提供给|卖给|交给|发给|收到|去了|到了|在|的|是|和|与|及|由|被|对|向|从|为|给|了|把|将|跟|让|叫|有|去|也|都|"
    "就|又|还|再|很|太|不|没|说|问|找|帮|请|到|做|用|拿|看|想|要|会|能|可以)"
)
_KNOWN = (
    *(
        "工业和信息化部",
        "国家互联网信息办公室",
        "国家发展和改革委员会",
        "国家发改委",
        "人力资源和社会保障部",
        "中央军委",
    ),
    *("中国共产党", "中共中央", "国务院", "公安部第三研究所", "公安部第一研究所", "国家计算机网络应急技术处理协调中心"),
    *("中国信息安全测评中心", "国家信息安全漏洞库", "国家卫生健康委员会", "住房和城乡建设部", "文化和旅游部"),
)
"""Names of bodies with words in them that cut others."""

_HEADS_OF_STATE = ("国家", "中国", "中央", "中共", "全国", "人民", "解放军", "最高")
_TITLES = (
    *(
        "总经理",
        "副总经理",
        "董事长",
        "副董事长",
        "经理",
        "局长",
        "副局长",
        "处长",
        "副处长",
        "科长",
        "主任",
        "副主任",
        "部长",
    ),
    *(
        "厅长",
        "队长",
        "先生",
        "女士",
        "小姐",
        "老师",
        "教授",
        "博士",
        "同志",
        "主席",
        "书记",
        "院长",
        "校长",
        "总监",
        "董事",
    ),
    *("工程师", "股东", "法人", "律师", "记者", "警官", "上校", "少校", "少将", "中将", "总裁", "秘书", "研究员"),
)
_LABELS = (
    "姓名|法定代表人|法人代表|法人|联系人|负责人|股东|董事长|总经理|经理|客户|申请人|发件人|收件人|作者|嫌疑人|"
    "被告人?|高管|监事"
)
_NO_GIVEN = frozenset(
    "的了是在和与及或有不没也都就还又再很太这那我你他她它们吗呢吧啊呀哦嗯么个些点样时候上下里外前后说要会能去来到对"
)


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    surname = "|".join(sorted(surnames_han(), key=len, reverse=True))
    name = rf"(?P<name>(?:{surname})[\u4e00-\u9fff]{{1,2}})"
    titles = "|".join(sorted(_TITLES, key=len, reverse=True))
    return (
        re.compile(rf"{name}(?={titles})"),
        re.compile(rf"(?:{titles})(?:是|为|：|:|\s)?\s*{name}(?![\u4e00-\u9fff])"),
        re.compile(rf"(?:{_LABELS})\s*(?:是|为|[：:])\s*{name}(?![\u4e00-\u9fff])"),
        re.compile(rf"[（(]\s*{name}\s*[)）]"),
        re.compile(rf"(?:^|(?<=[\s,，、;；\[<|]))@?{name}(?=[\s,，、;；:：\]>|)）]|$)", re.MULTILINE),
    )


_SCORES = (0.85, 0.9, 0.95, 0.9, 0.65)
_SURE = 0.8


def has_han(text: str) -> bool:
    """Say whether a text has Han letters."""
    return _HAN.search(text) is not None


def find_han_names(text: str) -> Iterator[Mention]:
    """Yield organisations, persons and places in Han letters; they may overlap."""
    if not has_han(text):
        return
    bodies = list(_bodies(text))
    yield from bodies
    taken = [(m.start, m.end) for m in bodies]
    yield from _persons(text, taken)
    for place, where in _places(text):
        yield Mention(
            kind="place",
            start=place,
            end=place + len(where[0]),
            text=where[0],
            how="list of places",
            score=0.9,
            stands_for=where[1],
        )


def _places(text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    at = -1
    for match in _place().finditer(text):
        if match.start() >= at:
            at = match.end()
            yield match.start(), (match.group(), han_places()[match.group()])


@cache
def _place() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, han_places()), key=len, reverse=True)))


@cache
def _known() -> re.Pattern[str]:
    return re.compile("|".join(sorted(_KNOWN, key=len, reverse=True)))


@cache
def _ends() -> re.Pattern[str]:
    return re.compile("|".join(sorted((*_LONG_ENDS, *_SHORT_ENDS), key=len, reverse=True)))


def _bodies(text: str) -> Iterator[Mention]:
    for known in _known().finditer(text):
        yield Mention(
            kind="organisation",
            start=known.start(),
            end=known.end(),
            text=known.group(),
            how="list of organisations",
            score=0.95,
        )
    for run in _RUN.finditer(text):
        at = run.start()
        for end in _ends().finditer(text, run.start(), run.end()):
            if end.end() < run.end() and _goes_on(text, end, run.end()):
                continue
            start = _begin(text, at, end.start())
            name = text[start : end.end()]
            if _is_body(name, end.group()):
                yield Mention(
                    kind="organisation",
                    start=start,
                    end=end.end(),
                    text=name,
                    how="last word of an organisation",
                    score=0.9 if len(end.group()) > 1 else 0.8,
                )
                at = end.end()


def _goes_on(text: str, end: re.Match[str], stop: int) -> bool:
    """Say whether a last word is followed by one that makes a longer name: 公安 局 办公室, 大学 附属医院."""
    rest = text[end.end() : min(stop, end.end() + 8)]
    further = _ends().search(rest)
    return further is not None and not _CUTS.search(rest[: further.start()]) and further.start() <= 4


def _begin(text: str, low: int, end: int) -> int:
    """Return where a name begins: behind the last word that cannot be part of it."""
    start = max(low, end - 24)
    places = [place.span() for place in _place().finditer(text, start, end)]
    for cut in _CUTS.finditer(text, start, end):
        # The letters of 成都 or 和田 are no words of their own.
        if not any(a < cut.end() and cut.start() < b for a, b in places):
            start = cut.end()
    first = next((a for a, _ in places if a > start), start)
    # A person stands right before the firm: 梁富庆上海天游软件有限公司.
    return first if 2 <= first - start <= 4 and _is_name(text[start:first]) and text[start] in surnames_han() else start


def _is_body(name: str, end: str) -> bool:
    stem = name.removesuffix(end)
    if end in {"电信", "移动", "联通"}:
        return stem == "中国" or _place().match(stem) is not None
    if len(end) == 1:
        return len(stem) >= 3 and (stem.startswith(_HEADS_OF_STATE) or _place().match(stem) is not None)
    if not stem:
        return end not in _NOT_ALONE
    return len(stem) >= 2 or end not in _NOT_ALONE


def _persons(text: str, taken: list[tuple[int, int]]) -> Iterator[Mention]:
    sure: dict[str, float] = {}
    spans: dict[tuple[int, int], float] = {}
    for pattern, score in zip(_patterns(), _SCORES, strict=True):
        for match in pattern.finditer(text):
            start, end = match.span("name")
            if _is_name(text[start:end]) and not any(a < end and start < b for a, b in taken):
                spans[start, end] = max(score, spans.get((start, end), 0.0))
                sure[text[start:end]] = max(score, sure.get(text[start:end], 0.0))
    for name, score in sure.items():
        if score < _SURE or len(name) < 3:
            continue
        for match in re.finditer(name, text):
            if not any(a < match.end() and match.start() < b for a, b in taken):
                spans.setdefault(match.span(), 0.8)
    for (start, end), score in sorted(spans.items()):
        yield Mention(kind="person", start=start, end=end, text=text[start:end], how="Chinese surname", score=score)


def _is_name(name: str) -> bool:
    if any(name.endswith(title) or name == title for title in _TITLES) or name in han_places():
        return False
    surname = name[:2] if name[:2] in surnames_han() else name[:1]
    given = name[len(surname) :]
    return bool(given) and len(given) <= 2 and not set(given) & _NO_GIVEN
