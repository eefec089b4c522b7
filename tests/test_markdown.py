"""Whatever people write, what is shown to others holds only allowed elements, attributes and addresses."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed_service.markdown import body_html, excerpt

ATTRIBUTES = {"a": {"href", "title", "rel"}, "code": {"class"}, "ol": {"start"}}
TAGS = {"a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"}
TAGS |= {"strong", "ul"}

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<!-- comment --> <![CDATA[<script>]]> <?php echo 1 ?>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x><embed src=x><base href=//evil.example>",
    "<a href='javascript:alert(1)' onclick=alert(1) style='position:fixed'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A&#x61vascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<java\nscript:alert(1)>)",
    "[x](<java\x01script:alert(1)>)",
    "[x](\x01javascript:alert(1))",
    "[x](\u00a0javascript:alert(1))",
    "[x](%6aavascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](\\javascript:alert(1))",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "<javascript&colon;alert(1)>",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](javascript:alert(1))",
    '![x" onerror="alert(1)](http://a.example/b)',
    '[x](http://a.example "\\" onmouseover=alert(1) x=\\"")',
    "[x](http://a.example/\"onmouseover='alert(1))",
    "[x](file:///etc/passwd) [y](ftp://a.example) [z](tel:1) [w](blob:http://a.example/1)",
    "[relative](/logout) [other](//evil.example) [same](?a=1) [here](#top) [none]()",
    "[![nested](javascript:alert(1))](javascript:alert(2))",
    "[a [b](http://b.example)](http://a.example)",
    "```js\" onload=\"alert(1)\nx\n```",
    "```<script>\nalert(1)\n```",
    "`<script>alert(1)</script>`",
    "\u202e[txt.exe](http://a.example/\u202egpj.exe)\u2066",
    "a\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt;img src=x onerror=alert(1)&amp;gt;",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "\ufeff<script>alert(1)</script>",
    "[x](http://user:pass@evil.example@good.example)",
]  # fmt: skip


class Shown(HTMLParser):
    """Reads HTML as a browser would, and keeps what may not be there."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.faults += [f"<{tag}>"] * (tag not in TAGS)
        self.faults += [f"<{tag} {name}>" for name in found.keys() - ATTRIBUTES.get(tag, set())]
        if tag == "a":
            self.faults += ["<a> in <a>"] * ("a" in self.open)
            self.faults += ["<a> without rel"] * (found.get("rel") != "nofollow ugc")
            if "href" in found:
                self.addresses.append(found["href"])
        if not found.get("class", "language-").startswith("language-"):
            self.faults.append(f"class {found['class']}")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    def handle_pi(self, data: str) -> None:
        self.handle_comment(data)

    def unknown_decl(self, data: str) -> None:
        self.handle_comment(data)


def assert_safe(text: str) -> None:
    shown = Shown(body_html(text))
    assert shown.faults == []
    # Browsers drop these characters before they look for the scheme.
    schemes = {urlsplit(address.strip("\x00\x1f ").lower()).scheme for address in shown.addresses}
    assert schemes <= {"http", "https", "mailto"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_without_harm(text: str) -> None:
    for variant in (text, f"> {text}", f"- {text}", f"# {text}", f"**{text}**", f"[{text}](http://a.example)"):
        assert_safe(variant)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*HOSTILE, *"<>[]()!`*_\\&\"'\n\t #-", "](", "](<", "http://a.example", "&#"]), max_size=8)
)
def test_no_mixture_of_hostile_texts_does_harm(parts: list[str]) -> None:
    assert_safe("".join(parts))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*a* **b** `c<d`", "<p><em>a</em> <strong>b</strong> <code>c&lt;d</code></p>\n"),
        ("[a](https://b.example 'c')", '<p><a href="https://b.example" title="c" rel="nofollow ugc">a</a></p>\n'),
        ("<me@a.example>", '<p><a href="mailto:me@a.example" rel="nofollow ugc">me@a.example</a></p>\n'),
        ("![*a* b](http://c.example/d)", '<p><a href="http://c.example/d" rel="nofollow ugc">a b</a></p>\n'),
        ("[![a](http://b.example)](http://c.example)", '<p><a href="http://c.example" rel="nofollow ugc">a</a></p>\n'),
        ("[a](/b)", '<p><a rel="nofollow ugc">a</a></p>\n'),
        ("<b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>\n"),
        ("```python\na < b\n```", '<pre><code class="language-python">a &lt; b\n</code></pre>\n'),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
    ],
)
def test_markdown_becomes_html(text: str, html: str) -> None:
    assert body_html(text) == html


def test_one_long_address_is_not_multiplied() -> None:
    text = f"[a]: http://a.example/{'x' * 10_000}\n\n{'[a]' * 5_000}"
    html = body_html(text)
    assert len(html) < 4 * len(text) + 200_000
    assert len(Shown(html).addresses) == 9


@pytest.mark.parametrize("pattern", ["![", "*a", "_*", "> ", "- ", "`x", "[a](", "[a\n", "&#", "<!--"])
def test_fifty_thousand_characters_are_no_load(pattern: str) -> None:
    """No clock: a law of growth would flake on a busy machine. What would be quadratic takes minutes."""
    assert len(body_html(pattern * (50_000 // len(pattern)))) < 500_000


@pytest.mark.parametrize(
    ("text", "max_chars", "plain"),
    [
        ("# Title\n\nSome *words* [here](http://a.example).", 80, "Title Some words here."),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one, two", 7, "one…"),
        ("incomprehensibilities", 10, "incompreh…"),
        ("![a *cat*](http://a.example/b)  and\n`code`", 80, "a cat and code"),
        ("<b>raw</b> &amp; &lt;i&gt;", 80, "<b>raw</b> & <i>"),
        ("", 10, ""),
    ],
)
def test_an_excerpt_is_cut_at_a_word(text: str, max_chars: int, plain: str) -> None:
    assert excerpt(text, max_chars) == plain
