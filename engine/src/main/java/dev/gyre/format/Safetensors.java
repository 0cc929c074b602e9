package dev.gyre.format;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Safetensors, mapped and not copied: eight bytes of header length, a JSON header, the tensors
 * without holes. Python pickles are refused.
 */
public final class Safetensors implements TensorFile {
    /** The whole model in one file. */
    public static final String SINGLE = "model.safetensors";

    /** Names the shard of each tensor. */
    public static final String INDEX = "model.safetensors.index.json";

    private final Path path;
    private final Map<String, StoredTensor> tensors;
    private final Map<String, String> metadata;

    private Safetensors(
            Path path, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
        this.path = path;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    /**
     * Maps one file.
     *
     * @param arena how long the tensors' data may be used
     * @throws UserError when it is missing, a pickle, or any length or offset in it does not fit
     */
    public static Safetensors open(Path file, Arena arena) {
        refusePickle(file);
        MemorySegment all = Mapped.read(file, arena);
        var header = SafetensorsHeader.read(file, all);
        return new Safetensors(file, header.tensors(), header.metadata());
    }

    /**
     * Maps a model's folder: {@code model.safetensors}, or the shards that {@code
     * model.safetensors.index.json} names.
     *
     * @throws UserError also when the index and the shards do not agree
     */
    public static Safetensors openFolder(Path folder, Arena arena) {
        if (!Files.isDirectory(folder)) throw new UserError(folder + " is not a folder");
        if (Files.exists(folder.resolve(SINGLE))) {
            var file = open(folder.resolve(SINGLE), arena);
            return new Safetensors(folder, file.tensors, file.metadata);
        }
        if (Files.exists(folder.resolve(INDEX))) return openShards(folder, arena);
        throw noModel(folder);
    }

    private static Safetensors openShards(Path folder, Arena arena) {
        Mapped.checkRegular(folder.resolve(INDEX));
        Tree index = Json.read(folder.resolve(INDEX));
        Map<String, Tree> weightMap = index.need("weight_map").entries();
        var shards = new LinkedHashMap<String, Safetensors>();
        var all = new LinkedHashMap<String, StoredTensor>();
        var metadata = new TreeMap<String, String>();
        for (Tree shard : weightMap.values()) {
            String name = shard.text();
            if (shards.containsKey(name)) continue;
            if (!name.matches("[^/\\\\\\x00]+") || !name.endsWith(".safetensors"))
                throw shard.wrong("the name of a .safetensors file in this folder");
            var file = open(folder.resolve(name), arena);
            shards.put(name, file);
            metadata.putAll(file.metadata);
            for (var tensor : file.tensors.values())
                if (all.put(tensor.name(), tensor) != null)
                    throw new UserError(
                            "%s: the tensor \"%s\" is in two shards"
                                    .formatted(folder, tensor.name()));
        }
        weightMap.forEach(
                (tensor, shard) -> {
                    var file = shards.get(shard.text());
                    if (file == null || !file.has(tensor))
                        throw new UserError(
                                "%s: %s holds no tensor \"%s\""
                                        .formatted(shard.where(), shard.text(), tensor));
                });
        return new Safetensors(folder, all, metadata);
    }

    private static UserError noModel(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> sorted = files.sorted().toList();
            var pickle = sorted.stream().filter(Safetensors::looksLikePickle).findFirst();
            if (pickle.isPresent()) return FormatErrors.pickle(pickle.get());
            var names = sorted.stream().map(f -> f.getFileName().toString()).limit(12).toList();
            return new UserError(
                    "%s holds no model: neither %s nor %s. It holds: %s"
                            .formatted(
                                    folder,
                                    SINGLE,
                                    INDEX,
                                    names.isEmpty() ? "nothing" : String.join(", ", names)));
        } catch (IOException e) {
            return FormatErrors.unreadable(folder, e);
        }
    }

    private static boolean looksLikePickle(Path file) {
        return file.toString()
                .toLowerCase(Locale.ROOT)
                .matches(".*\\.(bin|pt|pth|ckpt|pkl|pickle)");
    }

    /** By name, or by how torch's archives and bare pickles begin. */
    private static void refusePickle(Path file) {
        if (Files.isDirectory(file))
            throw new UserError(file + " is a folder, not a .safetensors file");
        Mapped.checkRegular(file);
        byte[] first;
        try (var in = Files.newInputStream(file)) {
            first = in.readNBytes(8);
        } catch (IOException e) {
            throw FormatErrors.unreadable(file, e);
        }
        boolean zip =
                first.length >= 4
                        && first[0] == 'P'
                        && first[1] == 'K'
                        && first[2] == 3
                        && first[3] == 4;
        // a pickle's protocol mark; as a header length it would be far above any limit only with
        // bytes behind it
        boolean bare =
                first.length == 8
                        && first[0] == (byte) 0x80
                        && first[1] >= 2
                        && first[1] <= 5
                        && first[7] != 0;
        if (zip || bare || looksLikePickle(file)) throw FormatErrors.pickle(file);
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Map<String, StoredTensor> tensors() {
        return tensors;
    }

    /** The header's {@code __metadata__}; of a folder, that of all shards. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /**
     * Writes one file, atomically: whatever goes wrong, the old file stays and nothing half-written
     * is left.
     *
     * @throws UserError when the disk is full or the place not writable
     */
    public static void write(
            Path file, Map<String, String> metadata, Collection<StoredTensor> tensors) {
        AtomicFile.write(file, content(metadata, tensors));
    }

    /** What {@link #write} writes, for files that belong together. */
    public static AtomicFile.Content content(
            Map<String, String> metadata, Collection<StoredTensor> tensors) {
        return SafetensorsWriter.content(metadata, tensors.stream().map(TensorSource::of).toList());
    }

    /**
     * As {@link #write}, with each tensor made when its turn comes, so that only one is in memory;
     * the turns go by type, then name.
     */
    public static void writeLazily(
            Path file, Map<String, String> metadata, List<TensorSource> tensors) {
        AtomicFile.write(file, SafetensorsWriter.content(metadata, tensors));
    }

    /**
     * Writes a model's folder: one file when all fits in {@code maxShardBytes}, else shards of at
     * most that size (a larger tensor alone in its own) and their index. Files of an earlier model
     * under these names are replaced or removed. Nothing appears under its name before all is
     * written.
     *
     * @param beside other files that belong to it
     */
    public static void writeFolder(
            Path folder,
            Map<String, String> metadata,
            List<TensorSource> tensors,
            long maxShardBytes,
            List<AtomicFile.Part> beside) {
        SafetensorsWriter.writeFolder(folder, metadata, tensors, maxShardBytes, beside);
    }
}
