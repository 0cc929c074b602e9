package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

class AtomicFileTest {
    @TempDir Path folder;

    @Test
    void aFullDiskKeepsTheOldFile() throws IOException {
        Path full = Path.of("/dev/full"); // every write to it fails as on a full disk
        assumeTrue(Files.exists(full));
        Path file = folder.resolve("adapter.safetensors");
        Files.writeString(file, "old");
        assertThatThrownBy(
                        () ->
                                AtomicFile.write(
                                        file,
                                        channel -> {
                                            AtomicFile.writeAll(
                                                    channel, ByteBuffer.wrap(new byte[100]));
                                            try (var device =
                                                    FileChannel.open(
                                                            full, StandardOpenOption.WRITE)) {
                                                AtomicFile.writeAll(
                                                        device, ByteBuffer.wrap(new byte[100]));
                                            }
                                        }))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot write " + file + ": No space left on device")
                .hasMessageContaining("Free some space");
        assertThat(file).hasContent("old");
        onlyFile(file);
    }

    @Test
    void aFailingTensorKeepsTheOldFile() throws IOException {
        Path file = folder.resolve("adapter.safetensors");
        Files.writeString(file, "old");
        var good =
                new TensorSource(
                        "b",
                        ElementType.F32,
                        new long[] {1},
                        () -> MemorySegment.ofArray(new float[1]));
        var bad =
                new TensorSource(
                        "a",
                        ElementType.F16,
                        new long[] {1},
                        () -> {
                            throw new IllegalStateException("lost");
                        });
        assertThatThrownBy(() -> Safetensors.writeLazily(file, Map.of(), List.of(good, bad)))
                .hasMessage("lost");
        assertThat(file).hasContent("old");
        onlyFile(file);
    }

    @Test
    void nothingShowsUnderTheNameBeforeAllIsWritten() throws IOException {
        Path file = folder.resolve("deep/er/note.txt");
        AtomicFile.write(
                file,
                channel -> {
                    AtomicFile.writeAll(channel, ByteBuffer.wrap(new byte[] {'h', 'i'}));
                    assertThat(file).doesNotExist();
                });
        assertThat(file).hasContent("hi");
        AtomicFile.write(file, "Grüße");
        assertThat(file).hasContent("Grüße");
        onlyFile(file);
    }

    @Test
    void aFileInPlaceOfTheFolderIsNamed() throws IOException {
        Path file = folder.resolve("taken");
        Files.writeString(file, "x");
        assertThatThrownBy(() -> AtomicFile.write(file.resolve("model.safetensors"), "y"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot write")
                .hasMessageContaining("taken");
    }

    @Test
    void aFolderInPlaceOfTheFileStays() throws IOException {
        Path inner = Files.createDirectories(folder.resolve("out.safetensors/inner"));
        assertThatThrownBy(() -> AtomicFile.write(folder.resolve("out.safetensors"), "y"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot write");
        assertThat(inner).isDirectory();
        onlyFile(java.util.Objects.requireNonNull(inner.getParent()));
    }

    private static void onlyFile(Path file) throws IOException {
        try (var files = Files.list(file.getParent())) {
            assertThat(files.toList()).containsExactly(file);
        }
    }
}
