package dev.gyre.adapter;

import dev.gyre.adapter.method.Methods;
import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.AtomicFile;
import dev.gyre.format.ElementType;
import dev.gyre.format.Safetensors;
import dev.gyre.format.StoredTensor;
import dev.gyre.model.Model;
import dev.gyre.quant.Encodings;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Adapters on disk, as PEFT keeps them: {@code adapter_config.json} and {@code
 * adapter_model.safetensors}. One table of names serves reading and writing. Pickled files are
 * refused.
 */
public final class AdapterFile {
    public static final String CONFIG = "adapter_config.json";
    public static final String TENSORS = "adapter_model.safetensors";

    private AdapterFile() {}

    /**
     * Reads an adapter for a model.
     *
     * @throws UserError when a file is missing or broken, a key is unknown, or the tensors do not
     *     fit the model
     */
    public static Adapter read(Path folder, Model model, Reading reading) {
        if (!Files.isDirectory(folder))
            throw new UserError(
                    "adapter "
                            + folder
                            + ": no such folder; wanted one with "
                            + CONFIG
                            + " and "
                            + TENSORS);
        Path file = folder.resolve(TENSORS);
        if (!Files.exists(file)) throw missing(folder);
        Tree config = Json.read(folder.resolve(CONFIG));
        MethodKind kind = Methods.ofPeft(config);
        Targets targets = PeftConfig.targets(config, kind, reading);
        try (var arena = Arena.ofConfined()) {
            Safetensors tensors = Safetensors.open(file, arena);
            Method method = kind.fitted(kind.fromPeft(config, reading), shapes(tensors), reading);
            Adapter adapter = Adapter.unfilled(method, targets, model);
            try (var _ = Scope.open()) {
                fill(adapter, tensors, file);
                adapter.updated();
                return adapter;
            } catch (RuntimeException | Error e) {
                adapter.close();
                throw e;
            }
        }
    }

    private static Map<String, long[]> shapes(Safetensors file) {
        var out = new LinkedHashMap<String, long[]>();
        for (String name : file.names()) out.put(name, file.tensor(name).shape());
        return out;
    }

    private static UserError missing(Path folder) {
        String pickle =
                Files.exists(folder.resolve("adapter_model.bin"))
                        ? "; it has adapter_model.bin, a pickle, which can run code and is not"
                                + " read. In Python: load the adapter and save_pretrained(...,"
                                + " safe_serialization=True)"
                        : "";
        return new UserError("adapter " + folder + ": there is no " + TENSORS + pickle);
    }

    private static void fill(Adapter adapter, Safetensors file, Path path) {
        Map<String, Var> wanted = adapter.files();
        var unexpected = new TreeSet<>(file.names());
        unexpected.removeAll(wanted.keySet());
        MethodKind kind = Methods.of(adapter.method());
        unexpected.removeIf(kind::isRedundant);
        unexpected.removeIf(name -> isBaseEmbedding(adapter, file, name, path));
        var missing = new TreeSet<>(wanted.keySet());
        missing.removeAll(file.names());
        if (!missing.isEmpty() || !unexpected.isEmpty())
            throw doesNotFit(adapter, path, missing, unexpected);
        wanted.forEach(
                (name, var) -> {
                    StoredTensor stored = file.tensor(name);
                    if (!Arrays.equals(stored.shape(), var.value().shape()))
                        throw new UserError(
                                "%s: %s has shape %s, this model needs %s. Was it trained on another model?"
                                        .formatted(
                                                path,
                                                name,
                                                Arrays.toString(stored.shape()),
                                                Arrays.toString(var.value().shape())));
                    var.value().copyFrom(values(stored));
                    if (!var.value().allFinite())
                        throw new UserError(
                                path + ": " + name + " holds numbers that are not finite");
                });
    }

    private static Tensor values(StoredTensor stored) {
        // Indices that do not learn, exact in f32 below 2²⁴.
        if (stored.type() == ElementType.I32)
            return Tensor.of(DType.I32, stored.data(), stored.shape()).to(DType.F32);
        if (stored.type() == ElementType.I64)
            return Tensor.of(DType.I64, stored.data(), stored.shape()).to(DType.F32);
        return Tensor.of(Encodings.decode(stored), stored.shape());
    }

    /**
     * PEFT writes the base's own embedding beside an adapter that targets it; it must be the
     * model's.
     */
    private static boolean isBaseEmbedding(
            Adapter adapter, Safetensors file, String name, Path path) {
        if (!name.endsWith(".base_layer.weight")) return false;
        String module =
                name.substring(
                        Declared.PREFIX.length(), name.length() - ".base_layer.weight".length());
        return adapter.slots().stream()
                .filter(s -> s.name().equals(module))
                .findFirst()
                .map(
                        slot -> {
                            try (var _ = Scope.open()) {
                                StoredTensor stored = file.tensor(name);
                                Tensor base = slot.weight().dense();
                                boolean same =
                                        Arrays.equals(stored.shape(), base.shape())
                                                && values(stored).minus(base).abs().max().item()
                                                        <= 1e-2 * base.abs().max().item();
                                if (!same)
                                    throw new UserError(
                                            path
                                                    + ": "
                                                    + name
                                                    + " differs from the model's own weight; the"
                                                    + " adapter was trained on another model, or"
                                                    + " the embedding was resized");
                                return true;
                            }
                        })
                .orElse(false);
    }

    private static UserError doesNotFit(
            Adapter adapter, Path path, Set<String> missing, Set<String> unexpected) {
        var message =
                new StringBuilder(path + ": the tensors do not fit this model and configuration.");
        if (!missing.isEmpty()) message.append("\n  missing: ").append(some(missing));
        if (!unexpected.isEmpty()) message.append("\n  not expected: ").append(some(unexpected));
        if (unexpected.stream().anyMatch(n -> n.endsWith(".oft_r") || n.endsWith(".oft_s")))
            message.append(
                    "\n"
                        + "  The file is of PEFT 0.14 or 0.15, whose OFT was another one: train it"
                        + " again.");
        else
            message.append("\n  Was it trained on another model? This one is ")
                    .append(adapter.model().family())
                    .append(" with ")
                    .append(adapter.model().layers())
                    .append(" layers.");
        return new UserError(message.toString());
    }

    private static String some(Set<String> names) {
        List<String> first = names.stream().limit(3).toList();
        return String.join(", ", first)
                + (names.size() > 3 ? " and " + (names.size() - 3) + " more" : "");
    }

    /**
     * Writes an adapter; the folder is made if need be. The configuration comes last, so that a
     * folder that has one is whole.
     *
     * @param base the base model's name, for the configuration
     * @throws UserError when the disk is full or the folder cannot be written
     */
    public static void write(Adapter adapter, Path folder, String base) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UserError("cannot make the folder " + folder + ": " + Reasons.of(e), e);
        }
        var tensors = new ArrayList<StoredTensor>();
        try (var _ = Scope.open()) {
            adapter.files()
                    .forEach(
                            (name, var) ->
                                    tensors.add(
                                            new StoredTensor(
                                                    name,
                                                    ElementType.F32,
                                                    var.value().shape(),
                                                    var.value().contiguous().segment())));
            Safetensors.write(folder.resolve(TENSORS), Map.of("format", "pt"), tensors);
        }
        AtomicFile.write(
                folder.resolve(CONFIG), Json.writePretty(PeftConfig.of(adapter, base)) + "\n");
    }
}
