package dev.gyre.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class BindTest {
    enum Speed {
        SLOW,
        VERY_FAST
    }

    record Inner(@Key(value = "a", def = "3") int depth) {}

    record Outer(
            @Key("a") String name,
            @Key(value = "b", def = "0.5") double learningRate,
            @Key(value = "c", shown = "none") Optional<Integer> steps,
            @Key(value = "d", commas = true) List<Integer> layers,
            @Key(value = "e", def = "slow") Speed speed,
            @Key(value = "f", def = "true") boolean shuffle,
            @Key(value = "g", shown = "none") Optional<Inner> inner,
            @Key(value = "h") Map<String, Double> factors,
            @Key(value = "i", def = "here") Path where) {
        Outer {
            if (learningRate <= 0) throw BadValue.of("learning_rate", learningRate, "above 0");
        }
    }

    private static Outer read(String yaml) {
        return Bind.record(Yaml.read(yaml, "a.yaml"), Outer.class);
    }

    private static void fails(String yaml, String message) {
        assertThatThrownBy(() -> read(yaml)).isInstanceOf(UserError.class).hasMessage(message);
    }

    @Test
    void whatIsNotGivenHasItsDefault() {
        assertThat(read("name: x"))
                .isEqualTo(
                        new Outer(
                                "x",
                                0.5,
                                Optional.empty(),
                                List.of(),
                                Speed.SLOW,
                                true,
                                Optional.empty(),
                                Map.of(),
                                Path.of("here")));
        assertThat(Bind.defaults(Outer.class))
                .isEqualTo(
                        Map.of(
                                "learning_rate",
                                0.5,
                                "speed",
                                "slow",
                                "shuffle",
                                true,
                                "where",
                                "here"));
    }

    @Test
    void everyKindOfValueIsRead() {
        var all =
                read(
                        "name: x\n"
                                + "learning_rate: 1e-3\n"
                                + "steps: 7\n"
                                + "layers: [1, 2]\n"
                                + "speed: very-fast\n"
                                + "shuffle: false\n"
                                + "inner: {depth: 9}\n"
                                + "factors: {a: 1, b: 2.5}\n"
                                + "where: /tmp/y\n");
        assertThat(all)
                .isEqualTo(
                        new Outer(
                                "x",
                                1e-3,
                                Optional.of(7),
                                List.of(1, 2),
                                Speed.VERY_FAST,
                                false,
                                Optional.of(new Inner(9)),
                                Map.of("a", 1.0, "b", 2.5),
                                Path.of("/tmp/y")));
        assertThat(Bind.record(Tree.of(Bind.plain(all), "again", ""), Outer.class)).isEqualTo(all);
    }

    @Test
    void oneValueOrWordsWithCommasStandForAList() {
        assertThat(read("name: x\nlayers: 4").layers()).containsExactly(4);
        assertThat(read("name: x\nlayers: 1,2, 3").layers()).containsExactly(1, 2, 3);
        fails("name: x\nlayers: 1,b", "a.yaml:2: \"layers\" must be a whole number, not \"b\"");
    }

    @Test
    void complaintsNameTheLineAndTheKey() {
        fails(
                "name: x\nlerning_rate: 1",
                "a.yaml:2: unknown key \"lerning_rate\"; did you mean \"learning_rate\"?");
        fails(
                "name: x\n\ninner:\n  dept: 1",
                "a.yaml:4: unknown key \"dept\" under \"inner\"; did you mean \"depth\"?");
        fails(
                "name: x\nlearning_rate: fast",
                "a.yaml:2: \"learning_rate\" must be a number, not \"fast\"");
        fails(
                "name: x\nlearning_rate: -1",
                "a.yaml:2: \"learning_rate\" must be above 0, not -1.0");
        fails(
                "name: x\nspeed: fast",
                "a.yaml:2: \"speed\" must be one of slow, very-fast, not \"fast\"");
        fails("name: x\nshuffle: yes", "a.yaml:2: \"shuffle\" must be true or false, not \"yes\"");
        fails(
                "name: x\nsteps: 3000000000",
                "a.yaml:2: \"steps\" must be a whole number below 2147483648, not 3000000000");
        fails("name: 3", "a.yaml:1: \"name\" must be text, not 3");
        fails("name:", "a.yaml:1: \"name\" must be text, not empty");
        fails("steps: 3", "a.yaml:1: the key \"name\" is missing");
        fails("[1]", "a.yaml:1: the document must be a map, not a list");
        fails("", "a.yaml:1: the key \"name\" is missing");
    }

    @Test
    void keysCarryWhatHelpNeeds() {
        var keys = Keys.of(Outer.class);
        assertThat(keys.get(1).flag()).isEqualTo("--learning-rate");
        assertThat(keys.get(1).shown()).isEqualTo("0.5");
        assertThat(keys.get(4).form()).isEqualTo("slow|very-fast");
        assertThat(keys.get(0).mustBeGiven()).isTrue();
    }
}
