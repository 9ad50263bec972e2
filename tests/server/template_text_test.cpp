#include "server/template_text.h"

#include <doctest/doctest.h>

namespace server {
namespace {

const std::string kMatchedName = R"(ip-10-0x1f.a\.b.example.)";

/// What `text` becomes for kMatchedName, matched by a pattern; or the error.
std::string expand_template(
    std::string_view text, const std::string& name = kMatchedName,
    std::string_view expression = R"(^ip-(?P<dec>\d+)-0x(?P<hex>[0-9a-f]+)\.(.*)$)") {
    const auto parsed = TemplateText::parse(text);
    if (!parsed) {
        return "refused: " + parsed.error();
    }
    const auto pattern = Pattern::compile(expression);
    REQUIRE(pattern.has_value());
    Groups groups;
    REQUIRE(pattern->match(name, groups));
    TemplateSubject subject;
    subject.name = name;
    subject.zone = "example.";
    subject.question_name = "IP.Example.";
    subject.class_text = "IN";
    subject.type_text = "TXT";
    subject.qclass = 1;
    subject.qtype = 16;
    subject.remote = "192.0.2.7";
    subject.id = 4660;
    subject.pattern = &*pattern;
    subject.groups = &groups;
    const auto expanded = parsed->expand(subject);
    return expanded ? *expanded : "failed: " + std::string(expanded.error());
}

bool is_refused(std::string_view text) {
    return expand_template(text).starts_with("refused: ");
}

TEST_CASE("fields") {
    CHECK(expand_template("plain } text { }}") == "plain } text { }}");
    CHECK(expand_template("{{ .Name }}") == kMatchedName);
    CHECK(expand_template("{{.Zone}} {{.Class}} {{.Type}} {{.Remote}}") ==
          "example. IN TXT 192.0.2.7");
    CHECK(expand_template("{{ .Question.Name }}/{{ .Question.Qtype }}/{{ .Question.Qclass }}") ==
          "IP.Example./16/1");
    CHECK(expand_template("{{ .Message.Id }}") == "4660");
    CHECK(expand_template("{{ .Group.dec }}.{{ .Group.hex}}") == "10.1f");
    CHECK(expand_template("{{ .Group.none }}") ==
          "failed: the pattern that matches has no such group");
}

TEST_CASE("index") {
    CHECK(expand_template("{{ index .Match 0 }}") == kMatchedName);
    CHECK(expand_template("{{ index .Match 3 }}") == R"(a\.b.example.)");
    CHECK(expand_template("{{ index .Match 0x1 }}") == "10");
    CHECK(expand_template("{{ index .Match 4 }}") ==
          "failed: index .Match needs the number of a group");
    CHECK(expand_template(R"({{ index .Match "1" }})") ==
          "failed: index .Match needs the number of a group");
    CHECK(expand_template(R"({{ index .Group "hex" }})") == "1f");
    CHECK(expand_template("{{ index .Group `2` }}") == "1f");
    CHECK(expand_template(R"([{{ index .Group "none" }}])") == "[]");
    CHECK(expand_template("{{ index .Group 1 }}") == "failed: index .Group needs a text");
}

TEST_CASE("parseInt") {
    CHECK(expand_template("{{ parseInt .Group.hex 16 8 }}") == "31");
    CHECK(expand_template("{{ parseInt .Group.dec 10 8 }}") == "10");
    CHECK(expand_template(R"({{ parseInt "0x1F" 0 16 }})") == "31");
    CHECK(expand_template(
              R"({{ parseInt "017" 0 16 }} {{ parseInt "0b11" 0 0 }} {{ parseInt "0" 0 0 }})") ==
          "15 3 0");
    CHECK(expand_template(R"({{ parseInt "18446744073709551615" 10 64 }})") ==
          "18446744073709551615");
    CHECK(expand_template("{{ index .Match (parseInt \"1\" 10 8) }}") == "10");
    for (const auto* text :
         {R"({{ parseInt "256" 10 8 }})", R"({{ parseInt "" 10 8 }})",
          R"({{ parseInt "-1" 10 8 }})", R"({{ parseInt "1x" 10 8 }})", R"({{ parseInt "1" 1 8 }})",
          R"({{ parseInt "1" 37 8 }})", R"({{ parseInt "1" 10 65 }})", R"({{ parseInt 1 10 8 }})",
          R"({{ parseInt "18446744073709551616" 10 64 }})"}) {
        CAPTURE(text);
        CHECK(expand_template(text) == "failed: parseInt found no such number");
    }
}

TEST_CASE("pipelines, parentheses and literals") {
    CHECK(expand_template("{{ 8 | parseInt .Group.hex 16 }}") == "31");
    CHECK(expand_template("{{ (.Group.hex) }}{{ ( index .Match (1) ) }}") == "1f10");
    CHECK(expand_template(R"({{ "a\"}}\\" }}{{ `b}}\` }}{{ 12 }})") == R"(a"}}\b}}\12)");
    CHECK(expand_template("{{ \"2\" | index .Group }}") == "1f");
}

TEST_CASE("trim markers and comments") {
    CHECK(expand_template("a \t{{- .Zone -}} \n b") == "aexample.b");
    CHECK(expand_template("a {{ .Zone -}} b {{- .Zone }} c") == "a example.bexample. c");
    CHECK(expand_template("a{{/* }} \" */}}b{{- /* x */ -}} c") == "abc");
}

TEST_CASE("what Go has beyond this is refused, with what there is") {
    CHECK(expand_template("{{ if .Name }}x{{ end }}") ==
          "refused: 'if' is not supported in this version; known: .Name, .Zone, .Class, .Type, "
          ".Remote, .Question.Name, .Question.Qtype, .Question.Qclass, .Message.Id, .Group.NAME, "
          "index .Group TEXT, index .Match NUMBER, parseInt TEXT BASE BITS");
    for (const auto* text : {"{{ else }}",
                             "{{ range .Match }}",
                             "{{ with .Name }}",
                             "{{ define \"x\" }}",
                             "{{ template \"x\" }}",
                             "{{ $x := 1 }}",
                             "{{ $ }}",
                             "{{ . }}",
                             "{{ .Match }}",
                             "{{ .Group }}",
                             "{{ .Meta \"x\" }}",
                             "{{ .Var.x }}",
                             "{{ .Group.1 }}",
                             "{{ .Group. }}",
                             "{{ .Group.a.b }}",
                             "{{ .name }}",
                             "{{ printf \"%d\" 1 }}",
                             "{{ 1.5 }}",
                             "{{ -1 }}",
                             "{{ 'a' }}",
                             "{{ \"\\n\" }}",
                             "{{ true }}",
                             "{{ .Name, 1 }}"}) {
        CAPTURE(text);
        CHECK(is_refused(text));
    }
}

TEST_CASE("what is wrong in Go too") {
    for (const auto* text : {"{{",
                             "{{ .Name",
                             "{{ .Name }",
                             "{{}}",
                             "{{ }}",
                             "{{ .Name .Zone }}",
                             "{{ .Name | }}",
                             "{{ | .Name }}",
                             "{{ .Name | .Zone }}",
                             "{{ (.Name }}",
                             "{{ .Name) }}",
                             "{{ \"a }}",
                             "{{ `a }}",
                             "{{ /* a }}",
                             "{{ index .Match }}",
                             "{{ index .Match 1 2 }}",
                             "{{ index .Name 1 }}",
                             "{{ parseInt .Match 1 1 }}",
                             "{{ parseInt .Name 16 }}",
                             "{{ index .Match .Match }}",
                             "{{ ((((((((((((((((((1)))))))))))))))))) }}"}) {
        CAPTURE(text);
        CHECK(is_refused(text));
    }
}

TEST_CASE("constant texts and the groups of others") {
    CHECK(TemplateText::parse("a {{ \"b\" }} {{- /* c */}}")->is_constant());
    CHECK_FALSE(TemplateText::parse("a {{ .Zone }}")->is_constant());
    CHECK(TemplateText::parse("{{ .Group.a }} {{ parseInt .Group.b 16 (index .Match 1) }}")
              ->group_names() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a group that cuts an escape is not taken") {
    const std::string cuts = "failed: a group cuts an escaped character of the name";
    const auto group = [](const std::string& name, std::string_view expression) {
        return expand_template("{{ .Group.g }}", name, expression);
    };
    CHECK(group(R"(a\".x.)", R"(^(?P<g>a\\)\")") == cuts);
    CHECK(group(R"(a\".x.)", R"re((?P<g>".*)$)re") == cuts);
    CHECK(group(R"(a\010.x.)", R"((?P<g>10.*)$)") == cuts);
    CHECK(group(R"(a\010.x.)", R"(^(?P<g>a\\01))") == cuts);
    CHECK(group(R"(a\\b.x.)", R"(^a\\(?P<g>\\b))") == cuts);
    CHECK(group(R"(a\\b.x.)", R"(^(?P<g>a\\\\)b)") == R"(a\\)");
    CHECK(group(R"(a\"b.x.)", R"((?P<g>\\"b))") == R"(\"b)");
    CHECK(group(R"(a\010b.x.)", R"(a(?P<g>\\010))") == R"(\010)");
    CHECK(group(R"(a\"b.x.)", R"(a(?P<g>z?))") == "");
    CHECK(group(R"(a\"b.x.)", R"re(\\(?P<g>z?)")re") == "");
}

TEST_CASE("an expanded text is bounded") {
    std::string text;
    while (text.size() < 12 * 400) {
        text += "{{ .Name }} ";
    }
    CHECK(expand_template(text) == "failed: the text is too long");
}

}  // namespace
}  // namespace server
