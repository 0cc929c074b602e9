package dev.gyre.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.Keys;
import dev.gyre.config.UserError;
import dev.gyre.config.Yaml;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

class RecipeTest {
    private static final String NEEDED = "base: b\ndata: d.jsonl\nout: o\n";

    private static Recipe read(String yaml) {
        return Recipe.read(Yaml.read(NEEDED + yaml, "r.yaml"));
    }

    @Test
    void threeKeysAreEnough() {
        Recipe recipe = read("");
        assertThat(recipe).isEqualTo(Recipe.of("b", Path.of("d.jsonl"), Path.of("o")));
        assertThat(recipe.method()).isEqualTo(new MethodSpec("oft", Map.of("block", 32L)));
        assertThat(recipe.targets()).containsExactly("all-linear");
        assertThat(recipe.stepsFor(100)).isEqualTo(39);
    }

    /** The keys that the manual promises. */
    @Test
    void everyPromisedKeyIsKnown() {
        assertThat(Keys.of(Recipe.class))
                .extracting(Keys.Entry::name)
                .contains(
                        "base",
                        "method",
                        "targets",
                        "data",
                        "template",
                        "context_tokens",
                        "batch",
                        "accumulate",
                        "learning_rate",
                        "schedule",
                        "warmup",
                        "epochs",
                        "steps",
                        "learn",
                        "base_encoding",
                        "clip_norm",
                        "weight_decay",
                        "shuffle",
                        "activations",
                        "init",
                        "save_every",
                        "eval_every",
                        "validation",
                        "resume",
                        "report",
                        "seed",
                        "out",
                        "exclude",
                        "layers",
                        "modules_to_save");
    }

    @Test
    void bothWaysOfWritingAMethod() {
        var spec = new MethodSpec("oft", Map.of("block", 16L, "exact", true, "eps", 1e-4));
        assertThat(read("method: {name: oft, block: 16, exact: true, eps: 1e-4}").method())
                .isEqualTo(spec);
        assertThat(read("method: oft:block=16,exact=true,eps=1e-4").method()).isEqualTo(spec);
        assertThat(MethodSpec.of("lora")).isEqualTo(new MethodSpec("lora", Map.of()));
    }

    @Test
    void bothWaysOfWritingData() {
        Recipe recipe =
                Recipe.read(
                        Yaml.read(
                                "base: b\n"
                                        + "out: o\n"
                                        + "data:\n"
                                        + "  - {path: a.jsonl, format: messages}\n"
                                        + "  - b.jsonl:prompt-completion\n"
                                        + "  - c:/x.jsonl\n",
                                "r"));
        assertThat(recipe.data())
                .containsExactly(
                        new DataSource(Path.of("a.jsonl"), "messages"),
                        new DataSource(Path.of("b.jsonl"), "prompt-completion"),
                        new DataSource(Path.of("c:/x.jsonl"), "auto"));
    }

    @Test
    void heldOutRowsAreAShareOrAFile() {
        assertThat(read("validation: 0.05").validation()).contains(new HeldOut.Share(0.05));
        assertThat(read("validation: v.jsonl").validation())
                .contains(new HeldOut.File(new DataSource(Path.of("v.jsonl"), "auto")));
    }

    @Test
    void offMeansOff() {
        Recipe off =
                read(
                        "base_encoding: stored\n"
                                + "save_every: 0\n"
                                + "resume: false\n"
                                + "report: none\n"
                                + "warmup: 0\n"
                                + "clip_norm: 0\n"
                                + "weight_decay: 0\n"
                                + "learn: answers\n"
                                + "activations: keep\n"
                                + "shuffle: false\n");
        assertThat(off.warmup()).isZero();
    }

    @Test
    void aRecipeSurvivesItsOwnWriting() {
        Recipe recipe =
                read(
                        "method: {name: lora, rank: 4}\n"
                                + "validation: 0.1\n"
                                + "layers: 1,2\n"
                                + "init: a\n"
                                + "epochs: 2\n"
                                + "allow: [cut-off, bad-line]\n"
                                + "learning_rate: 1e-4\n"
                                + "targets: re:.*(q|v),x\n");
        assertThat(recipe.with("seed", recipe.seed())).isEqualTo(recipe);
        assertThat(recipe.targets()).containsExactly("re:.*(q|v),x");
        assertThat(recipe.with("epochs", null).with("steps", 3).steps()).isEqualTo(Optional.of(3));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '!',
            value = {
                "batch: 0! r.yaml:4: \"batch\" must be a whole number from 1, not 0",
                "learning_rate: 1e300! r.yaml:4: \"learning_rate\" must be at most 1000, not"
                        + " 1.0E300",
                "learning_rate: 0! r.yaml:4: \"learning_rate\" must be a number above 0, not 0.0",
                "learning_rate: .nan! r.yaml:4: \"learning_rate\" must be a number above 0, not"
                        + " NaN",
                "warmup: 1.5! r.yaml:4: \"warmup\" must be a share below 1, or a whole number of"
                        + " steps, not 1.5",
                "clip_norm: -1! r.yaml:4: \"clip_norm\" must be 0 or more, not -1.0",
                "base_encoding: in8! r.yaml:4: \"base_encoding\" = \"in8\" is not an encoding;"
                        + " did you mean \"int8\"?",
                "eval_every: 5! r.yaml:4: \"eval_every\" needs held-out rows; give \"validation\"",
                "schedule: exponential! r.yaml:4: \"schedule\" must be one of constant, linear,"
                        + " cosine, not \"exponential\"",
                "method: {block: 3}! r.yaml:4: the key \"name\" is missing under \"method\"",
                "method: oft:block! r.yaml:4: \"method\" must be NAME:SETTING=VALUE,SETTING=VALUE,"
                        + " such as oft:block=32,terms=5, not \"oft:block\"",
                "validation: 1.5! r.yaml:4: \"validation\" must be a file, or a share above 0 and"
                        + " below 1, not 1.5",
                "lerning_rate: 1! r.yaml:4: unknown key \"lerning_rate\"; did you mean"
                        + " \"learning_rate\"?",
            })
    void mistakesAreNamedWithTheirLine(String line, String message) {
        assertThatThrownBy(() -> read(line))
                .isInstanceOf(UserError.class)
                .hasMessage(message.strip());
    }

    @Test
    void epochsAndStepsExcludeEachOther() {
        assertThatThrownBy(() -> read("epochs: 1\nsteps: 2"))
                .hasMessage("r.yaml:4: \"epochs\" and \"steps\" both say when to end; give one");
    }

    @Test
    void aMisspeltFormatIsNotAPartOfThePath() {
        assertThatThrownBy(() -> DataSource.of("a.jsonl:mesages"))
                .hasMessageContaining(
                        "unknown data format \"mesages\"; did you mean \"messages\"?");
    }
}
