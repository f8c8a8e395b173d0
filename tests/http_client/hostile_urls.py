"""URLs that somebody may give us in order to reach what is not theirs, and why each is refused.

`python -m tests.http_client.hostile_urls` writes the table of docs/reference/egress.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "egress.md"
BEGINNING = "## What is refused, and why\n"


class Hostile(NamedTuple):
    """`addresses` is what the URL's name leads to, where it has a name that leads anywhere."""

    url: str
    reason: str
    addresses: tuple[str, ...]


_TABLE: dict[str, list[tuple[str, ...]]] = {
    "Loopback, in every notation of IPv4": [
        ("http://127.0.0.1/", "loopback"),
        ("http://127.0.0.1:8080/admin", "loopback"),
        ("http://127.255.255.254/", "loopback"),
        ("http://127.1/", "loopback"),
        ("http://127.0.1/", "loopback"),
        ("http://127.0.0.1./", "loopback"),
        ("http://2130706433/", "loopback"),
        ("http://017700000001/", "loopback"),
        ("http://0x7f000001/", "loopback"),
        ("http://0x7F.1/", "loopback"),
        ("http://0177.0.0.1/", "loopback"),
        ("http://0177.1/", "loopback"),
        ("http://127.0x0.1/", "loopback"),
        ("http://0x7f.0x0.0x0.0x1/", "loopback"),
        ("http://0x7f.00.0000.0x01/", "loopback"),
        ("http://127.0.0.01/", "loopback"),
        ("http://00000177.000.0.0x1/", "loopback"),
        ("http://127%2e0%2e0%2e1/", "loopback"),
        ("http://%31%32%37.0.0.1/", "loopback"),
        ("http://0/", "this network (0.0.0.0/8)"),
        ("http://0.0.0.0:22/", "this network (0.0.0.0/8)"),
    ],
    "Ways to write a URL around it": [
        ("http:127.0.0.1/", "loopback"),
        ("http:///127.0.0.1/", "loopback"),
        ("http:\\\\127.0.0.1\\", "loopback"),
        ("http://127.0.0.1\\.example.com/", "loopback"),
        ("HTTP://127.0.0.1/", "loopback"),
        ("http://@127.0.0.1/", "loopback"),
        ("http://127.0.0.1?.example.com", "loopback"),
        ("http://127.0.0.1#.example.com/", "loopback"),
        ("http://127.0.0.1%2f.example.com/", "it is not a URL"),
        ("http://127.0.0.1%00.example.com/", "it is not a URL"),
        ("http://127.0.0.1%09/", "it is not a URL"),
        ("http://%6c%6f%63%61%6c%68%6f%73%74/", "loopback", "127.0.0.1"),
        ("http://127.0.0.1../", "its host name has nothing between two dots"),
        ("http://localhost../", "its host name has nothing between two dots"),
    ],
    "Unicode and IDNA that mean the same": [
        ("http://①②⑦.⓪.⓪.①/", "loopback"),
        ("http://127。0。0。1/", "loopback"),
        ("http://127｡0｡0｡1/", "loopback"),
        ("http://１２７.0.0.1/", "loopback"),
        ("http://０ｘ７ｆ．１/", "loopback"),
        ("http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/", "loopback"),
        ("http://0ₓ7f.1/", "loopback"),
        ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "loopback", "127.0.0.1"),
        ("http://ⅼocalhost/", "loopback", "127.0.0.1"),
        ("http://ｌｏｃａｌｈｏｓｔ/", "loopback", "127.0.0.1"),
        ("http://loc\xadalhost/", "loopback", "127.0.0.1"),
        ("http://\u200blocalhost/", "loopback", "127.0.0.1"),
        ("http://127.0.0.1\xa0/", "it is not a URL"),
        ("http://127.0.0.1\u3000/", "it is not a URL"),
        ("http://127.0.0.1\u2028/", "it is not a URL"),
        ("http://\u202e127.0.0.1/", "it is not a URL"),
        ("\ufeffhttp://127.0.0.1/", "it is not a URL"),
        ("http://example.com／@127.0.0.1/", "it has a user name or password; use a header"),
        ("http://example.com＠127.0.0.1/", "it is not a URL"),
        ("http://xn--/", "it is not a URL"),
        ("http://xn--a/", "it is not a URL"),
    ],
    "Names that lead inside": [
        ("http://localhost/", "loopback", "127.0.0.1", "::1"),
        ("http://LOCALHOST:80/", "loopback", "127.0.0.1", "::1"),
        ("http://localhost./", "loopback", "127.0.0.1"),
        ("http://anything.localhost/", "loopback", "127.0.0.1"),
        ("http://localhost.localdomain/", "loopback", "127.0.0.1"),
        ("http://ip6-loopback/", "loopback", "::1"),
        ("https://127.0.0.1.nip.example/", "loopback", "127.0.0.1"),
        ("https://2130706433.example/", "loopback", "127.0.0.1"),
        ("https://inside.example/", "private", "10.1.2.3"),
        ("https://cname-to-inside.example/", "private", "10.1.2.4"),
        ("https://kubernetes.default.svc/", "private", "10.96.0.1"),
        ("https://host.docker.internal/", "private", "192.168.65.2"),
        ("https://broken.example/", "this network (0.0.0.0/8)", "0.0.0.0"),
        ("https://half.example/", "private", "93.184.215.14", "192.168.1.1"),
        ("https://half6.example/", "private (unique local)", "93.184.215.14", "fd12::1"),
        (
            "https://last.example/",
            "the metadata service of a cloud",
            "93.184.215.14",
            "93.184.215.15",
            "169.254.169.254",
        ),
        ("https://mapped.example/", "loopback, written as IPv6", "::ffff:127.0.0.1"),
        ("https://nat64.example/", "translated to IPv4 (NAT64)", "64:ff9b::a00:1"),
        ("https://scoped.example/", "link-local", "fe80::1%1"),
    ],
    "The metadata services of clouds": [
        ("http://169.254.169.254/latest/meta-data/", "the metadata service of a cloud"),
        ("http://169.254.169.254./", "the metadata service of a cloud"),
        ("http://2852039166/", "the metadata service of a cloud"),
        ("http://0xA9FEA9FE/", "the metadata service of a cloud"),
        ("http://0251.0376.0251.0376/", "the metadata service of a cloud"),
        ("http://169.254.43518/", "the metadata service of a cloud"),
        ("http://[::ffff:169.254.169.254]/", "the metadata service of a cloud, written as IPv6"),
        ("http://[::ffff:a9fe:a9fe]/", "the metadata service of a cloud, written as IPv6"),
        ("http://[fd00:ec2::254]/", "the metadata service of a cloud"),
        ("http://[fd20:ce::254]/", "the metadata service of a cloud"),
        ("http://169.254.170.2/v2/credentials", "the metadata service of a cloud"),
        ("http://100.100.100.200/", "the metadata service of a cloud"),
        ("http://168.63.129.16/", "the metadata service of a cloud"),
        ("http://192.0.0.192/", "the metadata service of a cloud"),
        (
            "http://metadata.google.internal/computeMetadata/v1/",
            "metadata.google.internal is the metadata service of a cloud",
        ),
        ("http://METADATA.google.internal./", "metadata.google.internal. is the metadata service of a cloud"),
        ("http://metadata/", "metadata is the metadata service of a cloud"),
        ("http://metadata.goog/", "metadata.goog is the metadata service of a cloud"),
        ("http://metadata.azure.internal/", "metadata.azure.internal is the metadata service of a cloud"),
        ("http://metadata.tencentyun.com/", "metadata.tencentyun.com is the metadata service of a cloud"),
        ("http://instance-data/", "instance-data is the metadata service of a cloud"),
        (
            "http://instance-data.ec2.internal/",
            "instance-data.ec2.internal is the metadata service of a cloud",
        ),
    ],
    "The rest of IPv4 that is not public": [
        ("http://0.1.2.3/", "this network (0.0.0.0/8)"),
        ("http://10.0.0.1/", "private"),
        ("http://10.1/", "private"),
        ("http://10.255.255.255/", "private"),
        ("http://100.64.0.1/", "shared between a provider's customers (carrier-grade NAT)"),
        ("http://100.127.255.255/", "shared between a provider's customers (carrier-grade NAT)"),
        ("http://169.254.1.1/", "link-local"),
        ("http://172.16.0.1/", "private"),
        ("http://172.1048577/", "private"),
        ("http://172.31.255.255/", "private"),
        ("http://192.0.0.8/", "reserved for protocols"),
        ("http://192.0.2.1/", "for documentation"),
        ("http://192.88.99.1/", "a 6to4 relay"),
        ("http://192.168.0.1/", "private"),
        ("http://192.168.257/", "private"),
        ("http://3232235777/", "private"),
        ("http://0xc0.0250.1.1/", "private"),
        ("http://198.18.0.1/", "for benchmarks"),
        ("http://198.19.255.255/", "for benchmarks"),
        ("http://198.51.100.1/", "for documentation"),
        ("http://203.0.113.1/", "for documentation"),
        ("http://224.0.0.1/", "multicast"),
        ("http://239.255.255.250/", "multicast"),
        ("http://240.0.0.1/", "reserved"),
        ("http://255.255.255.255/", "broadcast"),
        ("http://4294967295/", "broadcast"),
    ],
    "IPv6, and IPv4 inside it": [
        ("http://[::]/", "the unspecified address"),
        ("http://[::1]/", "loopback"),
        ("http://[0:0:0:0:0:0:0:1]:80/", "loopback"),
        ("http://[::127.0.0.1]/", "an IPv4 address inside IPv6"),
        ("http://[::10.0.0.1]/", "an IPv4 address inside IPv6"),
        ("http://[::ffff:127.0.0.1]/", "loopback, written as IPv6"),
        ("http://[::ffff:7f00:1]/", "loopback, written as IPv6"),
        ("http://[0:0:0:0:0:ffff:0a00:0001]/", "private, written as IPv6"),
        ("http://[::ffff:0:127.0.0.1]/", "not a public address"),
        ("http://[::ffff:8.8.8.8]/", "an IPv4 address, written as IPv6"),
        ("http://[64:ff9b::127.0.0.1]/", "translated to IPv4 (NAT64)"),
        ("http://[64:ff9b::a9fe:a9fe]/", "translated to IPv4 (NAT64)"),
        ("http://[64:ff9b::8.8.8.8]/", "translated to IPv4 (NAT64)"),
        ("http://[64:ff9b:1::a00:1]/", "translated to IPv4 (NAT64)"),
        ("http://[2002:7f00:1::]/", "a 6to4 tunnel"),
        ("http://[2002:a9fe:a9fe::1]/", "a 6to4 tunnel"),
        ("http://[2001:0:7f00:1::1]/", "a Teredo tunnel"),
        ("http://[2001:0:53aa:64c:0:ffff:80ff:fffe]/", "a Teredo tunnel"),
        ("http://[2001:2::1]/", "for benchmarks"),
        ("http://[2001:10::1]/", "reserved for protocols"),
        ("http://[2001:db8::1]/", "for documentation"),
        ("http://[3fff:fff::1]/", "for documentation"),
        ("http://[100::1]/", "discarded"),
        ("http://[fc00::1]/", "private (unique local)"),
        ("http://[fdff::1]/", "private (unique local)"),
        ("http://[fe80::1]/", "link-local"),
        ("http://[fe80::1%25eth0]/", "it is not a URL"),
        ("http://[fe80::1%eth0]/", "it is not a URL"),
        ("http://[::1%251]/", "it is not a URL"),
        ("http://[fec0::1]/", "private (site-local)"),
        ("http://[ff02::1]/", "multicast"),
        ("http://[4000::1]/", "not a public address"),
        ("http://[5f00::1]/", "not a public address"),
        ("http://[::1/", "it is not a URL"),
        ("http://[::1]].example.com/", "it is not a URL"),
        ("http://[127.0.0.1]/", "it is not a URL"),
        ("http://[::ffff:127.1]/", "it is not a URL"),
    ],
    "Who signs in, which port, which scheme": [
        ("http://ana@example.com/", "it has a user name or password; use a header"),
        ("http://ana:secret@example.com/", "it has a user name or password; use a header"),
        ("http://:secret@example.com/", "it has a user name or password; use a header"),
        ("http://example.com@127.0.0.1/", "it has a user name or password; use a header"),
        ("http://127.0.0.1:80@example.com/", "it has a user name or password; use a header"),
        ("http://example.com%40127.0.0.1/", "it is not a URL"),
        ("http://example.com:0/", "there is no port 0; ports are 1 to 65535"),
        ("http://example.com:99999/", "it is not a URL"),
        ("http://example.com:-1/", "it is not a URL"),
        ("http://example.com:http/", "it is not a URL"),
        ("http://example.com:80:80/", "it is not a URL"),
        ("ftp://example.com/", "it begins with ftp:, not with https: or http:"),
        ("file:///etc/passwd", "it begins with file:, not with https: or http:"),
        ("gopher://127.0.0.1:6379/_INFO", "it begins with gopher:, not with https: or http:"),
        ("dict://127.0.0.1:11211/", "it begins with dict:, not with https: or http:"),
        ("ldap://127.0.0.1/", "it begins with ldap:, not with https: or http:"),
        ("ws://example.com/", "it begins with ws:, not with https: or http:"),
        ("unix:/var/run/docker.sock", "it begins with unix:, not with https: or http:"),
        ("http+unix://%2Frun%2Fdocker.sock/", "it begins with http+unix:, not with https: or http:"),
        ("jar:http://example.com!/", "it begins with jar:, not with https: or http:"),
        ("javascript:alert(1)", "it begins with javascript:, not with https: or http:"),
        ("data:text/plain,x", "it begins with data:, not with https: or http:"),
    ],
    "What is no URL, or too much of one": [
        ("", "it is not a URL"),
        ("example.com", "it is not a URL"),
        ("//example.com/", "it is not a URL"),
        ("http://", "it is not a URL"),
        ("http://1.2.3.4.5/", "it is not a URL"),
        ("http://256.1.1.1/", "it is not a URL"),
        ("http://0x100000000/", "it is not a URL"),
        ("http://exa<mple.com/", "it is not a URL"),
        ("http://a..example/", "its host name has nothing between two dots"),
        ("http://" + "a" * 64 + ".example/", "a host name has at most 253 characters, 63 between two dots"),
        (
            "http://" + ".".join(["a" * 60] * 5) + "/",
            "a host name has at most 253 characters, 63 between two dots",
        ),
        ("http://example.com/" + "a" * 8192, "it is longer than 8192 characters"),
        ("http://example.com/\ud800", "it is not a URL"),
    ],
    "White space, control characters and NUL": [
        (" http://127.0.0.1/", "it has a space or a control character"),
        ("http://127.0.0.1/ ", "it has a space or a control character"),
        ("http://127.0.0.1\t/", "it has a space or a control character"),
        ("ht\ntp://127.0.0.1/", "it has a space or a control character"),
        ("http://exam\nple.com/", "it has a space or a control character"),
        ("http://example.com/\r\nX-A: b", "it has a space or a control character"),
        ("http://example.com/\x00", "it has a space or a control character"),
        ("http://example.com/\x7f", "it has a space or a control character"),
        ("http://example.com#@127.0.0.1 /", "it has a space or a control character"),
    ],
}

HOSTILE: dict[str, list[Hostile]] = {
    title: [Hostile(url, reason, tuple(addresses)) for url, reason, *addresses in rows]
    for title, rows in _TABLE.items()
}

LONGEST_SHOWN = 60


def as_markdown() -> str:
    """The tables of the page, from their heading on."""
    return BEGINNING + "".join(_section(title, rows) for title, rows in HOSTILE.items())


def _section(title: str, rows: list[Hostile]) -> str:
    return "\n".join([f"\n### {title}\n", "| URL | is refused because |", "|---|---|", *_lines(rows), ""])


def _lines(rows: list[Hostile]) -> Iterator[str]:
    for one in rows:
        leads = f", where the name says {' and '.join(one.addresses)}" if one.addresses else ""
        yield f"| `{_shown(one.url)}`{leads} | {one.reason} |"


def _shown(url: str) -> str:
    """As it can be seen on a page: what is invisible as an escape, what is long cut."""
    visible = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in url)
    text = visible if len(visible) <= LONGEST_SHOWN else f"{visible[:LONGEST_SHOWN]}… ({len(url)} characters)"
    return text.replace("|", "\\|") or " "


def main() -> None:
    before = PAGE.read_text().partition(BEGINNING)[0]
    PAGE.write_text(before + as_markdown())


if __name__ == "__main__":
    main()
