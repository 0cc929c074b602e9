package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class DraftTest {
    @TempDir Path folder;

    /** It may be a disk of its own, and what is around it may not be to be written to. */
    @Test
    void aFolderThatIsThereIsWrittenInside() throws IOException {
        Path real = Files.createDirectories(folder.resolve("real"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), real);
        Files.writeString(real.resolve("config.json"), "old");
        Files.writeString(real.resolve("mine.txt"), "mine");
        try (Draft draft = Draft.of(link)) {
            assertThat(draft.place().toAbsolutePath().getParent()).isEqualTo(link);
            Files.createDirectories(draft.place());
            Files.writeString(draft.place().resolve("config.json"), "new");
            draft.keep();
        }
        assertThat(real.toFile().list()).containsExactlyInAnyOrder("config.json", "mine.txt");
        assertThat(real.resolve("config.json")).hasContent("new");
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("real", "link");
    }

    /** They would say how to talk to the new model. */
    @Test
    void anEarlierModelsTemplateAndEndGo() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        for (String name :
                List.of("chat_template.jinja", "generation_config.json", "vocab.json", "notes.txt"))
            Files.writeString(model.resolve(name), "old");
        try (Draft draft = Draft.of(model)) {
            Files.createDirectories(draft.place());
            Files.writeString(draft.place().resolve("generation_config.json"), "new");
            draft.keep();
        }
        assertThat(model.toFile().list())
                .containsExactlyInAnyOrder("generation_config.json", "notes.txt");
        assertThat(model.resolve("generation_config.json")).hasContent("new");
    }

    @Test
    void messagesNameWhatWasAskedFor() {
        assertThat(Temporaries.named("a/.out.gguf.12-3f.tmp: no")).isEqualTo("a/out.gguf: no");
        assertThat(Temporaries.named("a/.out.12-3f.tmp/.m.json.12-40.tmp"))
                .isEqualTo("a/out/m.json");
        assertThat(Temporaries.named("a/..x.gguf.1-2.tmp.1-3.tmp")).isEqualTo("a/x.gguf");
    }

    @Test
    void whatIsNotKeptIsGone() throws IOException {
        try (Draft draft = Draft.of(folder.resolve("new"))) {
            Files.createDirectories(draft.place());
            Files.writeString(draft.place().resolve("config.json"), "new");
        }
        assertThat(folder.toFile().list()).isEmpty();
    }

    @Test
    void aFileThatCannotBeReplacedIsTold() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        Files.createDirectories(model.resolve("config.json").resolve("in the way"));
        try (Draft draft = Draft.of(model)) {
            Files.createDirectories(draft.place());
            Files.writeString(draft.place().resolve("config.json"), "new");
            assertThatThrownBy(draft::keep)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("cannot write " + model);
        }
        assertThat(model.toFile().list()).containsExactly("config.json");
    }
}
