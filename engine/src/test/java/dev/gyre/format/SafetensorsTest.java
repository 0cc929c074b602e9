package dev.gyre.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

class SafetensorsTest {
    static final Path PYTHON = Path.of("src/test/resources/golden/formats/every.safetensors");

    /** In the order in which make.py numbers them. */
    private static final List<ElementType> NUMBERED =
            List.of(
                    ElementType.F32,
                    ElementType.I64,
                    ElementType.BOOL,
                    ElementType.F16,
                    ElementType.U8,
                    ElementType.I8,
                    ElementType.BF16,
                    ElementType.F64,
                    ElementType.I16,
                    ElementType.U16,
                    ElementType.I32,
                    ElementType.U32,
                    ElementType.U64,
                    ElementType.F8_E4M3,
                    ElementType.F8_E5M2);

    @TempDir Path folder;

    @Test
    void readsEachTypeThatPythonWrites() {
        try (var arena = Arena.ofConfined()) {
            var file = Safetensors.open(PYTHON, arena);
            assertThat(file.metadata()).containsExactly(Map.entry("format", "pt"));
            for (int place = 0; place < NUMBERED.size(); place++) {
                var type = NUMBERED.get(place);
                var tensor = file.tensor(type.name());
                assertThat(tensor.type()).isEqualTo(type);
                assertThat(tensor.shape()).containsExactly(2, 3);
                assertThat(bytes(tensor)).isEqualTo(pattern((int) type.bytes(6), place));
            }
            assertThat(file.tensor("b.scalar").shape()).isEmpty();
            assertThat(file.tensor("b.scalar").data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0))
                    .isEqualTo(1.5f);
            assertThat(file.tensor("a.empty").elements()).isZero();
            assertThat(bytes(file.tensor("odd \"name\" \\ é 漢"))).containsExactly(1, 2, 3);
        }
    }

    @Test
    void writesTheBytesThatPythonWrites() throws IOException {
        try (var arena = Arena.ofConfined()) {
            var file = Safetensors.open(PYTHON, arena);
            Path copy = folder.resolve("new/copy.safetensors");
            Safetensors.write(
                    copy,
                    file.metadata(),
                    file.names().stream().sorted().map(file::tensor).toList());
            assertThat(Files.readAllBytes(copy)).isEqualTo(Files.readAllBytes(PYTHON));
        }
    }

    @Test
    void arraysOfAnyKindAreWritten() {
        float[] many = new float[700_000]; // more than the writer's buffer
        for (int i = 0; i < many.length; i++) many[i] = i;
        Path file = folder.resolve("x.safetensors");
        Safetensors.writeLazily(
                file,
                Map.of(),
                List.of(
                        new TensorSource(
                                "w",
                                ElementType.F32,
                                new long[] {700, 1000},
                                () -> MemorySegment.ofArray(many)),
                        new TensorSource(
                                "n",
                                ElementType.I64,
                                new long[] {2},
                                () -> MemorySegment.ofArray(new long[] {3, -4}))));
        try (var arena = Arena.ofConfined()) {
            var read = Safetensors.open(file, arena);
            assertThat(read.tensor("w").data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                    .isEqualTo(many);
            assertThat(read.tensor("n").data().toArray(ValueLayout.JAVA_LONG_UNALIGNED))
                    .containsExactly(3, -4);
            assertThat(read.metadata()).isEmpty();
        }
    }

    @Test
    void aSmallModelIsOneFileAndALargeOneIsShards() throws IOException {
        Safetensors.writeFolder(folder, Map.of("format", "pt"), sources(4), 1000, List.of());
        assertThat(names()).containsExactly("model.safetensors");
        checkFour();

        Safetensors.writeFolder(
                folder,
                Map.of("format", "pt"),
                sources(4),
                50, // the third alone is larger
                List.of(new AtomicFile.Part(folder.resolve("config.json"), AtomicFile.text("{}"))));
        assertThat(names())
                .containsExactly(
                        "config.json",
                        "model-00001-of-00003.safetensors",
                        "model-00002-of-00003.safetensors",
                        "model-00003-of-00003.safetensors",
                        "model.safetensors.index.json");
        checkFour();
        assertThat(Files.readString(folder.resolve(Safetensors.INDEX)))
                .contains("\"total_size\": 164", "\"t2\": \"model-00002-of-00003.safetensors\"");

        Files.writeString(folder.resolve("config.json"), "{}");
        Safetensors.writeFolder(folder, Map.of("format", "pt"), sources(4), 1000, List.of());
        assertThat(names()).containsExactly("config.json", "model.safetensors");
        checkFour();
    }

    /** Four tensors of 4, 40, 80 (with t2), 40 bytes. */
    private static List<TensorSource> sources(int count) {
        int[] elements = {1, 10, 20, 10};
        return Stream.iterate(0, i -> i + 1)
                .limit(count)
                .map(
                        i ->
                                new TensorSource(
                                        "t" + i,
                                        ElementType.F32,
                                        new long[] {elements[i]},
                                        () -> {
                                            float[] values = new float[elements[i]];
                                            java.util.Arrays.fill(values, i + 0.5f);
                                            return MemorySegment.ofArray(values);
                                        }))
                .toList();
    }

    private void checkFour() {
        try (var arena = Arena.ofConfined()) {
            var file = Safetensors.openFolder(folder, arena);
            assertThat(file.path()).isEqualTo(folder);
            assertThat(file.names()).containsExactlyInAnyOrder("t0", "t1", "t2", "t3");
            assertThat(file.metadata()).containsEntry("format", "pt");
            for (int i = 0; i < 4; i++)
                assertThat(file.tensor("t" + i).data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                        .containsOnly(i + 0.5f);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1000, 50})
    void aFailureHalfWayLeavesTheOldModel(long maxShardBytes) throws IOException {
        Safetensors.writeFolder(folder, Map.of("format", "pt"), sources(4), 50, List.of());
        var before = names();
        var broken =
                Stream.concat(
                                sources(3).stream(),
                                Stream.of(
                                        new TensorSource(
                                                "t3",
                                                ElementType.F32,
                                                new long[] {10},
                                                () -> {
                                                    throw new UserError("no more");
                                                })))
                        .toList();
        assertThatThrownBy(
                        () ->
                                Safetensors.writeFolder(
                                        folder, Map.of(), broken, maxShardBytes, List.of()))
                .hasMessage("no more");
        assertThat(names()).isEqualTo(before);
        checkFour();
    }

    @Test
    void aTensorOfAnotherSizeThanPromisedIsABug() {
        var wrong =
                new TensorSource(
                        "w",
                        ElementType.F32,
                        new long[] {2},
                        () -> MemorySegment.ofArray(new float[3]));
        Path file = folder.resolve("x.safetensors");
        assertThatThrownBy(() -> Safetensors.writeLazily(file, Map.of(), List.of(wrong)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("w F32[2] takes 8 bytes, not 12");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatSafetensorsLacksIsNotWritten() {
        var blocks =
                new StoredTensor(
                        "w",
                        ElementType.Q8_0,
                        new long[] {32},
                        MemorySegment.ofArray(new byte[34]));
        assertThatThrownBy(
                        () ->
                                Safetensors.write(
                                        folder.resolve("x.safetensors"), Map.of(), List.of(blocks)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("w is stored as Q8_0");
    }

    @Test
    void aMissingTensorNamesItsNeighbour() {
        try (var arena = Arena.ofConfined()) {
            var file = Safetensors.open(PYTHON, arena);
            assertThatThrownBy(() -> file.tensor("b.scaler"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(
                            "every.safetensors has no tensor \"b.scaler\"; did you mean"
                                    + " \"b.scalar\"?");
            assertThatThrownBy(() -> file.tensor("lm_head.weight"))
                    .hasMessageContaining("It holds 18 tensors");
        }
    }

    @Test
    void foldersWithoutAModelSayWhatTheyHold() throws IOException {
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("It holds: nothing");
        Files.writeString(folder.resolve("config.json"), "{}");
        assertThatThrownBy(this::openFolder).hasMessageContaining("It holds: config.json");
        Files.write(folder.resolve("pytorch_model.bin"), new byte[] {'P', 'K', 3, 4});
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pytorch_model.bin is a Python pickle")
                .hasMessageContaining("safetensors");
        assertThatThrownBy(() -> Safetensors.openFolder(folder.resolve("nowhere"), Arena.ofAuto()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("nowhere is not a folder");
    }

    @Test
    void indexAndShardsMustAgree() throws IOException {
        Path shard = folder.resolve("a.safetensors");
        Files.copy(PYTHON, shard);
        index("{\"F32\": \"b.safetensors\"}");
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("b.safetensors: no such file");
        index("{\"nothing\": \"a.safetensors\"}");
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("index.json:1: a.safetensors holds no tensor \"nothing\"");
        index("{\"F32\": \"../a.safetensors\"}");
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("in this folder");
        Files.copy(PYTHON, folder.resolve("b.safetensors"));
        index("{\"F32\": \"a.safetensors\", \"F16\": \"b.safetensors\"}");
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is in two shards");
        index("7");
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("must be a map");
        Files.writeString(folder.resolve(Safetensors.INDEX), "{}");
        assertThatThrownBy(this::openFolder)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("weight_map");
    }

    private void index(String weightMap) throws IOException {
        Files.writeString(folder.resolve(Safetensors.INDEX), "{\"weight_map\": " + weightMap + "}");
    }

    private void openFolder() {
        Safetensors.openFolder(folder, Arena.ofAuto());
    }

    private List<String> names() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    static byte[] bytes(StoredTensor tensor) {
        return tensor.data().toArray(ValueLayout.JAVA_BYTE);
    }

    /** As make.py's. */
    static byte[] pattern(int count, int start) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte) ((7 * i + start) % 251);
        return bytes;
    }
}
