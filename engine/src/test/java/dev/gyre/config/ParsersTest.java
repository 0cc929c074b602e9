package dev.gyre.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

class ParsersTest {
    @Test
    void jsonKeepsLinesAndPaths() {
        Tree tree = Json.read("{\"a\": 1,\n \"b\": [true,\n {\"c\": 2.5}]}", "x.json");
        Tree c = tree.need("b").items().get(1).need("c");
        assertThat(c.where()).isEqualTo("x.json:3");
        assertThat(c.path()).isEqualTo("b[1].c");
        assertThat(c.real()).isEqualTo(2.5);
        assertThatThrownBy(c::text).hasMessage("x.json:3: \"b[1].c\" must be text, not 2.5");
        assertThatThrownBy(() -> tree.need("z")).hasMessage("x.json:1: the key \"z\" is missing");
    }

    @Test
    void yamlReadsNumbersAsPeopleWriteThem() {
        Tree tree = Yaml.read("a: 1e-3\nb: 12\nc: \"12\"\nd: no\ne: ~\nf: .inf\n", "x.yaml");
        assertThat(tree.need("a").real()).isEqualTo(1e-3);
        assertThat(tree.need("b").whole()).isEqualTo(12);
        assertThat(tree.need("c").text()).isEqualTo("12");
        assertThat(tree.need("d").text()).isEqualTo("no");
        assertThat(tree.get("e")).isEmpty();
        assertThat(tree.need("f").real()).isInfinite();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[1,",
                "{\"a\":1,\"a\":2}",
                "{\"a\":1} x",
                "nope",
                "\"\\u12",
                "{\"a\" 1}",
                "\u0000"
            })
    void brokenJsonIsAnErrorWithItsLine(String text) {
        assertThatThrownBy(() -> Json.read(text, "x.json", 7))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("x.json:7: not JSON: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a: [",
                "a: {",
                "a: 1\na: 2",
                "? [1]\n: 2",
                "a: *nobody",
                "\ta: 1",
                "a: 'x",
                "a: &x [*x]",
                "%",
                "a: @b"
            })
    void brokenYamlIsAnErrorWithItsFile(String text) {
        assertThatThrownBy(() -> Yaml.read(text, "x.yaml"))
                .isInstanceOf(UserError.class)
                .hasMessageMatching("(?s)x\\.yaml:.*");
    }

    @Test
    void nestingHasALimit() {
        String deep = "[".repeat(100_000);
        assertThatThrownBy(() -> Json.read(deep, "x")).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Json.read(deep + "]".repeat(100_000), "x"))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Yaml.read(deep + "]".repeat(100_000), "x"))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Yaml.read("{a: ".repeat(100_000), "x"))
                .isInstanceOf(UserError.class);
    }

    @Test
    void aliasesCannotMultiply() {
        var bomb = new StringBuilder("a0: &a0 [x, x]\n");
        for (int i = 1; i < 40; i++)
            bomb.append("a%1$d: &a%1$d [*a%2$d, *a%2$d, *a%2$d, *a%2$d]%n".formatted(i, i - 1));
        assertThatThrownBy(() -> Yaml.read(bomb.toString(), "x")).isInstanceOf(UserError.class);
    }

    @Test
    void numbersBeyondLongBecomeReal() {
        assertThat(Json.read("[123456789012345678901234567890]", "x").items().getFirst().real())
                .isEqualTo(1.2345678901234568e29);
        assertThatThrownBy(() -> Json.read("[1e400]", "x").items().getFirst().whole())
                .isInstanceOf(UserError.class);
    }

    @Test
    void filesThatCannotBeReadSayWhy(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> Yaml.read(folder.resolve("none")))
                .hasMessageEndingWith("none: no such file");
        assertThatThrownBy(() -> Json.read(folder)).isInstanceOf(UserError.class);
        Path latin = Files.write(folder.resolve("latin"), new byte[] {'a', ':', ' ', (byte) 0xe4});
        assertThatThrownBy(() -> Yaml.read(latin)).isInstanceOf(UserError.class);
    }

    @Test
    void whatIsWrittenIsReadBack() {
        var map = new LinkedHashMap<String, Object>();
        map.put("b", List.of(1L, 2.5, "ü\n", true));
        map.put("a", Map.of("x", 1e-5));
        assertThat(Json.read(Json.write(map), "x").plain()).isEqualTo(map);
        assertThat(Json.read(Json.writePretty(map), "x").plain()).isEqualTo(map);
        assertThat(Json.writePretty(map)).startsWith("{\n  \"a\": {");
    }

    @Test
    void slipsAreRecognised() {
        var known = List.of("learning_rate", "seed", "steps");
        assertThat(NearMiss.of("lerning_rate", known)).contains("learning_rate");
        assertThat(NearMiss.of("step", known)).contains("steps");
        assertThat(NearMiss.of("sede", known)).contains("seed");
        assertThat(NearMiss.of("xyzzy", known)).isEmpty();
        assertThat(NearMiss.hint("xyzzy", known)).isEqualTo("; known: learning_rate, seed, steps");
        assertThat(NearMiss.of("", known)).isEmpty();
    }
}
