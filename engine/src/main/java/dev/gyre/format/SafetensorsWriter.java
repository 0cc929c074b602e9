package dev.gyre.format;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Safetensors as the reference library lays them out: by type, largest first, then by name; header
 * padded to 8.
 */
final class SafetensorsWriter {
    /** A model's weights, and the files beside them that say how to talk to it. */
    private static final Pattern OURS =
            Pattern.compile(
                    "model(-\\d{5}-of-\\d{5})?\\.safetensors(\\.index\\.json)?"
                        + "|(chat_template|generation_config|special_tokens_map|added_tokens|vocab)"
                        + "\\.(jinja|json)|merges\\.txt|tokenizer\\.model");

    /** The library's order: a later type of {@link ElementType} first. */
    private static final Comparator<TensorSource> ORDER =
            Comparator.comparing(TensorSource::type).reversed().thenComparing(TensorSource::name);

    private SafetensorsWriter() {}

    static AtomicFile.Content content(Map<String, String> metadata, List<TensorSource> tensors) {
        checkNames(tensors);
        return channel -> writeTo(channel, metadata, tensors);
    }

    static void writeFolder(
            Path folder,
            Map<String, String> metadata,
            List<TensorSource> tensors,
            long maxShardBytes,
            List<AtomicFile.Part> beside) {
        if (maxShardBytes < 1)
            throw new IllegalArgumentException("a shard of " + maxShardBytes + " bytes");
        checkNames(tensors);
        List<List<TensorSource>> shards = shards(tensors, maxShardBytes);
        var parts = new ArrayList<AtomicFile.Part>();
        var names = new HashSet<String>();
        var weightMap = new TreeMap<String, String>();
        for (int i = 0; i < shards.size(); i++) {
            String name =
                    shards.size() == 1
                            ? Safetensors.SINGLE
                            : String.format(
                                    Locale.ROOT, // whose digits are ASCII
                                    "model-%05d-of-%05d.safetensors",
                                    i + 1,
                                    shards.size());
            List<TensorSource> shard = shards.get(i);
            names.add(name);
            parts.add(new AtomicFile.Part(folder.resolve(name), content(metadata, shard)));
            for (var tensor : shard) weightMap.put(tensor.name(), name);
        }
        if (shards.size() > 1) {
            names.add(Safetensors.INDEX);
            parts.add(
                    new AtomicFile.Part(
                            folder.resolve(Safetensors.INDEX),
                            AtomicFile.text(index(tensors, weightMap))));
        }
        parts.addAll(beside);
        beside.forEach(part -> names.add(String.valueOf(part.target().getFileName())));
        AtomicFile.write(parts);
        removeOthers(folder, names);
    }

    private static String index(List<TensorSource> tensors, Map<String, String> weightMap) {
        long total = tensors.stream().mapToLong(TensorSource::bytes).sum();
        var index = Map.of("metadata", Map.of("total_size", total), "weight_map", weightMap);
        return Json.writePretty(index) + "\n";
    }

    /** In the given order, each shard as full as it may be. */
    private static List<List<TensorSource>> shards(List<TensorSource> tensors, long maxShardBytes) {
        var shards = new ArrayList<List<TensorSource>>();
        var current = new ArrayList<TensorSource>();
        long bytes = 0;
        for (var tensor : tensors) {
            if (!current.isEmpty() && bytes + tensor.bytes() > maxShardBytes) {
                shards.add(current);
                current = new ArrayList<>();
                bytes = 0;
            }
            current.add(tensor);
            bytes += tensor.bytes();
        }
        if (!current.isEmpty() || shards.isEmpty()) shards.add(current);
        return shards;
    }

    /** An earlier model's files would be read in place of the new ones. */
    static void removeOthers(Path folder, Set<String> keep) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (OURS.matcher(name).matches() && !keep.contains(name)) Files.delete(file);
            }
        } catch (IOException e) {
            throw FormatErrors.unwritable(folder, e);
        }
    }

    private static void checkNames(List<TensorSource> tensors) {
        var names = new HashSet<String>();
        for (var tensor : tensors) {
            if (!tensor.type().inSafetensors())
                throw new UserError(
                        "%s is stored as %s, which safetensors lacks; decode it first"
                                .formatted(tensor.name(), tensor.type()));
            if (tensor.name().equals(SafetensorsHeader.METADATA) || !names.add(tensor.name()))
                throw new IllegalArgumentException("the name \"" + tensor.name() + "\" is taken");
        }
    }

    private static void writeTo(
            FileChannel channel, Map<String, String> metadata, List<TensorSource> tensors)
            throws IOException {
        var sorted = tensors.stream().sorted(ORDER).toList();
        AtomicFile.writeAll(channel, header(metadata, sorted));
        for (var tensor : sorted) {
            AtomicFile.writeAll(channel, tensor.exactData());
        }
    }

    private static ByteBuffer header(Map<String, String> metadata, List<TensorSource> sorted) {
        var header = new LinkedHashMap<String, Object>();
        if (!metadata.isEmpty()) header.put(SafetensorsHeader.METADATA, new TreeMap<>(metadata));
        long at = 0;
        for (var tensor : sorted) {
            var entry = new LinkedHashMap<String, Object>();
            entry.put("dtype", tensor.type().name());
            entry.put("shape", tensor.shape());
            entry.put("data_offsets", new long[] {at, at + tensor.bytes()});
            header.put(tensor.name(), entry);
            at += tensor.bytes();
        }
        byte[] json = Json.write(header).getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(json.length, 8) * 8;
        byte[] all = new byte[8 + padded];
        Arrays.fill(all, (byte) ' ');
        ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(json);
        return ByteBuffer.wrap(all);
    }
}
