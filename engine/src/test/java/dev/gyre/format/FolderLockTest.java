package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class FolderLockTest {
    @TempDir Path folder;

    @Test
    void oneRunAtATime() throws IOException {
        Path out = folder.resolve("a/out");
        try (var _ = FolderLock.of(out)) {
            assertThat(FolderLock.isFree(out)).isTrue();
            assertThatThrownBy(() -> FolderLock.of(out))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("another run is writing into --out " + out);
            Files.writeString(out.resolve("result"), "1");
        }
        assertThat(out.toFile().list()).containsExactly("result");
        assertThat(FolderLock.isFree(out)).isFalse();
        FolderLock.of(out).close();
    }

    @Test
    void aFolderThatWasMadeForNothingGoes() {
        Path out = folder.resolve("out");
        FolderLock.of(out).close();
        assertThat(out).doesNotExist();
        assertThat(out.toFile().mkdir()).isTrue();
        FolderLock.of(out).close();
        assertThat(out).isEmptyDirectory();
    }

    /** A killed run leaves the file, and the system frees the lock. */
    @Test
    void whatAKilledRunLeftIsTaken() throws IOException {
        Files.writeString(folder.resolve(".gyre.lock"), "1-2");
        assertThat(FolderLock.isFree(folder)).isTrue();
        FolderLock.of(folder).close();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aFolderThatCannotBeMadeIsSaid() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        assertThatThrownBy(() -> FolderLock.of(file.resolve("out")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot write into --out");
    }
}
