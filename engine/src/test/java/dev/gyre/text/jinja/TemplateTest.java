package dev.gyre.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.LocalDateTime;
import java.util.Map;
import java.util.Random;

/** What is not in the goldens: bounds, messages, dates, and templates that mean harm. */
class TemplateTest {
    private static String render(String source) {
        return Template.parse(source).render(Map.of());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('ab') }}",
                "{{ 'a' * 1000000000000 }}",
                "{{ [0] * 1000000000 }}",
                "{% for a in range(99999) %}{{ 'x' * 9999999 }}{% endfor %}",
                "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s"
                        + " %}{% endfor %}",
                "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s"
                        + " %}{% endfor %}",
                "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ 9 ** 99 }}",
                "{% set ns = namespace(a=['abc']) %}{% for i in range(60) %}{% set ns.a = [ns.a,"
                        + " ns.a] %}{% endfor %}{{ ns.a }}",
                "{% set ns = namespace(a=['abc']) %}{% for i in range(60) %}{% set ns.a = [ns.a,"
                        + " ns.a] %}{% endfor %}{{ ns.a | tojson }}",
                "{{ 9223372036854775807 + 1 }}",
                "{{ 99999999999999999999 }}",
                "{{ 'a' | indent(width='x') | center(99) }}",
                "{{ ''.join(messages) + 1 }}",
                "{{ '%(x' % 1 }}",
                "{{ '%d' % 'x' }}",
                "{{ '{0.__class__}'.format(1) }}",
                "{% include 'x' %}",
                "{% import 'x' as y %}",
                "{% extends 'x' %}",
                "{%",
                "{{",
                "{#",
                "{% raw %}",
                "{{ '\\x4' }}",
                "{{ a b }}",
                "{{ a. }}",
                "{{ a[ }}",
                "{{ [1, }}",
                "{{ {1 2} }}",
                "{% set = 1 %}",
                "{% set a %}",
                "{% for in x %}{% endfor %}",
                "{% for a in b %}{% endif %}",
                "{% if a %}{% endfor %}",
                "{% macro %}{% endmacro %}",
                "{{ \u00a7 }}",
                "{{ a ! b }}"
            })
    void harmfulOrBrokenTemplatesFailWithAMessage(String source) {
        assertThatThrownBy(() -> Template.parse(source).render(Map.of("messages", "x")))
                .isInstanceOf(TemplateError.class)
                .message()
                .isNotBlank();
    }

    @Test
    void deepNestingIsRefused() {
        for (String[] ends :
                new String[][] {
                    {"{{ ", "(", "1", ")", " }}"},
                    {"{{ ", "[", "", "]", " }}"},
                    {"{{ ", "-", "1", "", " }}"},
                    {"", "{% if 1 %}", "x", "{% endif %}", ""},
                    {"{{ ", "{1:", "1", "}", " }}"},
                    {"{{ a", "[a", "", "]", " }}"},
                    {"{{ ", "1 if 1 else ", "1", "", " }}"},
                    {"{{ a", "(a", "", ")", " }}"},
                    {"", "{% for x in [1] %}", "", "{% endfor %}", ""}
                }) {
            String source =
                    ends[0] + ends[1].repeat(50_000) + ends[2] + ends[3].repeat(50_000) + ends[4];
            assertThatThrownBy(() -> render(source)).as(ends[1]).isInstanceOf(TemplateError.class);
        }
    }

    @Test
    void longChainsWork() {
        assertThat(render("{{ 1" + " + 1".repeat(1000) + " }}")).isEqualTo("1001");
        assertThat(render("{{ 'a'" + " | upper".repeat(1000) + " }}")).isEqualTo("A");
        assertThat(render("x".repeat(5_000_000))).hasSize(5_000_000);
        assertThat(render("{{ 1 }}".repeat(100_000))).hasSize(100_000);
    }

    @Test
    void chainsBeyondTheStackAreRefused() {
        assertThatThrownBy(() -> render("{{ 1" + " + 1".repeat(1_000_000) + " }}"))
                .isInstanceOf(TemplateError.class);
        assertThatThrownBy(
                        () -> render("{% if 0 %}" + "{% elif 0 %}".repeat(200_000) + "{% endif %}"))
                .isInstanceOf(TemplateError.class);
    }

    @Test
    void messagesNameTheLine() {
        assertThatThrownBy(() -> render("a\n\n{{ b c }}"))
                .hasMessage("line 3: \"}}\" is wanted, not \"c\"");
        assertThatThrownBy(() -> render("{% if a %}\n")).hasMessageContaining("endif");
        assertThatThrownBy(() -> render("\n{{ 'a' | uper }}"))
                .hasMessageContainingAll("line 2", "did you mean \"upper\"?");
        assertThatThrownBy(() -> render("{{ raise_exception('as it is') }}"))
                .hasMessage("as it is");
    }

    @Test
    void anyCutOfATemplateRendersOrFailsWithAMessage() {
        String source =
                "{%- for m in [1, 'b', {'c': none}] if m is defined -%}{{ m | string ~ \"x\\n"
                        + "\" }}{# c #}{% endfor %}{% raw %}{{{% endraw %}";
        for (int end = 0; end <= source.length(); end++) survives(source.substring(0, end));
        var random = new Random(7);
        for (int i = 0; i < 2000; i++) {
            var mixed = new StringBuilder(source);
            for (int k = 0; k < 3; k++) {
                int at = random.nextInt(mixed.length());
                if (random.nextBoolean()) mixed.deleteCharAt(at);
                else mixed.insert(at, source.charAt(random.nextInt(source.length())));
            }
            survives(mixed.toString());
        }
    }

    private static void survives(String source) {
        try {
            assertThat(render(source)).isNotNull();
        } catch (TemplateError e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    @Test
    void datesAreWrittenAsInC() {
        var time = LocalDateTime.of(2024, 7, 6, 9, 5, 3);
        assertThat(
                        Clock.format(
                                "%d %b %Y|%B %-d, %y|%H:%M:%S|%A %a|%m|%j|%I %p|%%|%F %T|%e|x%",
                                time))
                .isEqualTo(
                        "06 Jul 2024|July 6, 24|09:05:03|Saturday Sat|07|188|09 AM|%|2024-07-06"
                                + " 09:05:03| 6|x%");
        assertThatThrownBy(() -> Clock.format("%Q", time)).isInstanceOf(TemplateError.class);
        assertThat(render("{{ strftime_now('%Y') | int > 2000 }}")).isEqualTo("True");
    }

    @Test
    void aTemplateRendersManyTimes() {
        Template template = Template.parse("{% set x = x + 1 %}{{ x }}{{ y is none }}");
        var values = new java.util.HashMap<String, Object>();
        values.put("x", 1);
        values.put("y", null);
        assertThat(template.render(values)).isEqualTo("2True");
        assertThat(template.render(values)).isEqualTo("2True");
        assertThat(values).containsEntry("x", 1);
    }
}
