// Templates of the kinds that CoreDNS's documentation shows, and what Azure ships.
// Constants.
#pragma once

namespace server::testing {

inline constexpr const char* kDynamicZone = R"corefile(
template IN SOA dyn.test {
  match ^dyn\.test\.$
  answer "{{ .Zone }} 3600 IN SOA ns1.{{ .Zone }} admin.{{ .Zone }} (1 60 120 86400 3600)"
  fallthrough
}
template IN SOA dyn.test {
  authority "{{ .Zone }} 3600 IN SOA host.test. dyn.test. (1 60 120 86400 3600)"
}
template IN NS dyn.test {
  match ^dyn\.test\.$
  answer "{{ .Zone }} 900 IN NS ns1.dyn.test." "{{ .Zone }} 900 IN NS ns2.dyn.test."
  fallthrough
}
template IN NS dyn.test {
  authority "{{ .Zone }} 3600 IN SOA host.test. dyn.test. (1 60 120 86400 3600)"
}
)corefile";

inline constexpr const char* kBlocked = R"corefile(
template ANY ANY invalid {
  rcode NXDOMAIN
  authority "invalid. 60 {{ .Class }} SOA ns.invalid. root.invalid. (1 60 60 60 60)"
  ederror 21 "Blocked according to RFC2606"
}
)corefile";

inline constexpr const char* kSearchDomain = R"corefile(
template IN ANY corp.test {
  match "corp\.test\.(dc1\.corp\.test\.)$"
  rcode NXDOMAIN
  authority "{{ index .Match 1 }} 60 IN SOA ns.{{ index .Match 1 }} root.{{ index .Match 1 }} (1 60 60 60 60)"
  fallthrough
}
)corefile";

inline constexpr const char* kAddresses = R"corefile(
template IN A example {
  match (^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$
  answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
  fallthrough
}
template IN A example {
  match "^ip0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]example[.]$"
  answer "{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt .Group.d 16 8 }}"
  fallthrough
}
template IN PTR in-addr.arpa {
  match ^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.](?P<a>[0-9]*)[.]in-addr[.]arpa[.]$
  answer "{{ .Name }} 60 IN PTR ip-{{ .Group.a }}-{{ .Group.b }}-{{ .Group.c }}-{{ .Group.d }}.example."
}
)corefile";

inline constexpr const char* kTwoPatterns = R"corefile(
template IN A example {
  match "^ip-(?P<a>10)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]dc[.]example[.]$"
  match "^(?P<a>[0-9]*)[.](?P<b>[0-9]*)[.](?P<c>[0-9]*)[.](?P<d>[0-9]*)[.]ext[.]example[.]$"
  answer "{{ .Name }} 60 IN A {{ .Group.a}}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
  fallthrough
}
)corefile";

inline constexpr const char* kMail = R"corefile(
template IN MX example {
  match ^ip-10-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$
  answer "{{ .Name }} 60 IN MX 10 {{ .Name }}"
  additional "{{ .Name }} 60 IN A 10.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
  authority  "example. 60 IN NS ns0.example."
  authority  "example. 60 IN NS ns1.example."
  additional "ns0.example. 60 IN A 203.0.113.8"
  fallthrough
}
)corefile";

inline constexpr const char* kAlias = R"corefile(
template IN ANY foogle.com {
  match "^foogle\.com\.$"
  answer "foogle.com 60 IN CNAME google.com"
}
)corefile";

inline constexpr const char* kAzure = R"corefile(
template ANY ANY internal.cloudapp.net {
  match "^(?:[^.]+\.){4,}internal\.cloudapp\.net\.$"
  rcode NXDOMAIN
  fallthrough
}
template ANY ANY reddog.microsoft.com {
  rcode NXDOMAIN
}
)corefile";

/// Puts what a client chose into all places that a record has.
inline constexpr const char* kEcho = R"corefile(
template IN TXT echo {
  match ^(?P<first>.)(?P<rest>.*)echo\.$
  answer "{{ .Name }} 60 IN TXT \"{{ .Name }}\" {{ .Name }}"
  answer "{{ .Question.Name }} 60 IN TXT \"{{ .Group.first }}\" \"{{ .Group.rest }}\""
  additional "{{ .Name }} 60 IN TXT {{ .Group.first }}"
}
template IN PTR echo {
  answer "{{ .Name }} 60 IN PTR {{ .Name }}"
  authority "{{ .Group.a }}{{ .Zone }} 60 IN MX 1 {{ .Group.a }}"
  match "^(?P<a>[^.]*).*$"
}
)corefile";

}  // namespace server::testing
