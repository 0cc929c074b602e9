package dev.gyre;

import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.AtomicFile;
import dev.gyre.format.Draft;
import dev.gyre.format.ElementType;
import dev.gyre.format.Gguf;
import dev.gyre.format.Safetensors;
import dev.gyre.format.TensorSource;
import dev.gyre.merge.Merging;
import dev.gyre.model.Effects;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.Model;
import dev.gyre.model.Slot;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * Writes a merged model as the folder that transformers loads, and checks it against the unmerged
 * one.
 */
final class MergedFolder {
    private static final long MAX_SHARD_BYTES = 5_000_000_000L;

    /** Files beside the weights that a merge does not change. */
    private static final Set<String> COPIED =
            Set.of(
                    "tokenizer.json",
                    "tokenizer_config.json",
                    "special_tokens_map.json",
                    "added_tokens.json",
                    "vocab.json",
                    "merges.txt",
                    "tokenizer.model",
                    "chat_template.jinja",
                    "generation_config.json");

    private MergedFolder() {}

    static Gyre.Merged write(Base base, List<Effects> adapters, Path out, Gyre.Notices notices) {
        var merging = new Merging(base.model(), adapters);
        var probe = DriftProbe.of(base);
        double[] unmerged = probe.unwritten(base.model(), adapters);
        try (var _ = Scope.open();
                var draft = Draft.of(out)) {
            List<AtomicFile.Part> beside = beside(base, draft.place(), config(base, merging));
            var weights = tensors(base.model(), merging, _ -> true);
            write(draft.place(), told(weights, notices), beside);
            double drift = drift(probe, unmerged, draft.place());
            draft.keep();
            long changed = base.model().slots().stream().filter(merging::changes).count();
            return new Gyre.Merged(out, (int) changed, drift, probe.tokens());
        }
    }

    /** The same, counted as they are written. */
    private static List<TensorSource> told(List<TensorSource> tensors, Gyre.Notices notices) {
        var done = new AtomicInteger();
        return tensors.stream()
                .map(
                        t ->
                                new TensorSource(
                                        t.name(),
                                        t.type(),
                                        t.shape(),
                                        () -> {
                                            notices.worked(
                                                    "merging weights",
                                                    done.incrementAndGet(),
                                                    tensors.size());
                                            return t.data().get();
                                        }))
                .toList();
    }

    /** The folder's other files. */
    static List<AtomicFile.Part> beside(Base base, Path out, Map<String, @Nullable Object> config) {
        var beside = new ArrayList<>(texts(base, out));
        beside.add(text(out, "config.json", Json.writePretty(config) + "\n"));
        return beside;
    }

    static void write(Path out, List<TensorSource> tensors, List<AtomicFile.Part> beside) {
        try {
            Files.createDirectories(out);
        } catch (IOException e) {
            throw new UserError("cannot write into --out " + out + ": " + Reasons.of(e), e);
        }
        Safetensors.writeFolder(out, Map.of("format", "pt"), tensors, MAX_SHARD_BYTES, beside);
    }

    /** The merged weights of these slots, plain, and the vectors. */
    static List<TensorSource> tensors(Model model, Merging merging, Predicate<Slot> which) {
        var out = new ArrayList<TensorSource>();
        for (Slot slot : model.slots()) {
            if (!which.test(slot) || slot.kind() == Slot.Kind.HEAD && merging.tied()) continue;
            ElementType type = stored(slot);
            long[] shape = {slot.weight().out(), slot.weight().in()};
            out.add(
                    new TensorSource(
                            slot.name() + ".weight",
                            type,
                            shape,
                            () -> weight(merging, slot, type)));
        }
        merging.vectors()
                .forEach(
                        (name, value) ->
                                out.add(
                                        new TensorSource(
                                                name,
                                                ElementType.F32,
                                                value.shape(),
                                                () -> finite(name, value).segment())));
        return out;
    }

    /** A merged weight is stored as the base's was; weights decoded from blocks become f32. */
    static ElementType stored(Slot slot) {
        return switch (slot.weight().encoding()) {
            case "bf16" -> ElementType.BF16;
            case "f16" -> ElementType.F16;
            default -> ElementType.F32;
        };
    }

    /** The type of tensors whose bytes are of a type in files. */
    static DType computed(ElementType type) {
        return switch (type) {
            case BF16 -> DType.BF16;
            case F16 -> DType.F16;
            default -> DType.F32;
        };
    }

    /** What torch calls the type that a merged weight has in a plain folder. */
    static String dtype(Slot slot) {
        return switch (stored(slot)) {
            case BF16 -> "bfloat16";
            case F16 -> "float16";
            default -> "float32";
        };
    }

    private static MemorySegment weight(Merging merging, Slot slot, ElementType type) {
        try (var _ = Scope.open()) {
            Tensor merged = finite(slot.name() + ".weight", merging.weight(slot));
            Tensor stored = merged.to(computed(type)).contiguous();
            if (!stored.allFinite())
                throw new UserError(
                        "the merged weight of %s holds numbers that are too large for %s, in which the base is stored; write another type: --to f32"
                                .formatted(slot.name(), type));
            // A copy that lives as long as the writer needs it: the tensor's own memory ends with
            // this scope.
            MemorySegment data = stored.segment();
            MemorySegment copy = Arena.ofAuto().allocate(data.byteSize(), 8);
            copy.copyFrom(data);
            return copy;
        }
    }

    /**
     * A tensor that is to be written, contiguous.
     *
     * @throws UserError when it is damaged
     */
    static Tensor finite(String name, Tensor value) {
        if (!value.allFinite())
            throw new UserError(
                    name + " holds numbers that are not finite; the base or an adapter is damaged");
        return value.contiguous();
    }

    static Map<String, @Nullable Object> config(Base base, Merging merging) {
        var config = new LinkedHashMap<String, @Nullable Object>();
        if (Files.isDirectory(base.place())) {
            Tree own = Json.read(base.place().resolve("config.json"));
            own.entries().forEach((key, value) -> config.put(key, value.plain()));
            config.remove("quantization_config");
            config.put("tie_word_embeddings", merging.tied());
        } else config.putAll(base.model().huggingFaceConfig(merging.tied()));
        // Who loads by it would round what was decoded to another type.
        for (String key : List.of("dtype", "torch_dtype"))
            config.computeIfPresent(key, (k, v) -> dtype(base.model().slots().getLast()));
        return config;
    }

    private static AtomicFile.Part text(Path out, String name, String text) {
        return new AtomicFile.Part(out.resolve(name), AtomicFile.text(text));
    }

    /** The base's own files about its text; from a GGUF file, the same in Hugging Face's format. */
    private static List<AtomicFile.Part> texts(Base base, Path out) {
        if (!Files.isDirectory(base.place())) return ggufTexts(base, out);
        return COPIED.stream()
                .sorted()
                .filter(name -> Files.exists(base.place().resolve(name)))
                .map(
                        name ->
                                new AtomicFile.Part(
                                        out.resolve(name),
                                        AtomicFile.copyOf(base.place().resolve(name))))
                .toList();
    }

    private static List<AtomicFile.Part> ggufTexts(Base base, Path out) {
        try (var arena = Arena.ofShared()) {
            var vocabulary = GgufText.vocabulary(Gguf.open(base.place(), arena).metadata());
            var config = new LinkedHashMap<String, @Nullable Object>();
            config.put("tokenizer_class", "PreTrainedTokenizerFast");
            config.put("clean_up_tokenization_spaces", false);
            config.put("model_max_length", base.model().contextTokens());
            config.putAll(base.dialect().specialTokens());
            base.template().ifPresent(t -> config.put("chat_template", t.source()));
            var ids = new LinkedHashMap<String, @Nullable Object>();
            if (vocabulary.bos() >= 0) ids.put("bos_token_id", vocabulary.bos());
            if (vocabulary.eos() >= 0) ids.put("eos_token_id", vocabulary.eos());
            return List.of(
                    text(out, "tokenizer.json", vocabulary.tokenizerJson()),
                    text(out, "tokenizer_config.json", Json.writePretty(config) + "\n"),
                    text(out, "generation_config.json", Json.writePretty(ids) + "\n"));
        }
    }

    /** How far a written model is from what it was made of. */
    static double drift(DriftProbe probe, double[] unmerged, Path written) {
        try (Model merged = Families.open(written, Loading.PLAIN)) {
            return DriftProbe.drift(probe.under(merged, List.of()), unmerged);
        }
    }
}
