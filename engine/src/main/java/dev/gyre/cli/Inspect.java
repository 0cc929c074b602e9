package dev.gyre.cli;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;
import dev.gyre.format.Gguf;
import dev.gyre.format.Safetensors;
import dev.gyre.format.StoredTensor;
import dev.gyre.format.TensorFile;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** {@code gyre inspect}. */
@Command(
        name = "inspect",
        description = "Show what a model, adapter, .gguf or .safetensors file holds.")
final class Inspect implements Commands.Runs {
    private static final String ADAPTER = "adapter_model.safetensors";
    private static final int LONG_VALUE = 100;

    private final Shell shell;

    @Parameters(paramLabel = "PATH", arity = "1", description = "File or folder.")
    private Path path = Path.of("");

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;

    Inspect(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        if (!Files.exists(path)) throw new UserError(path + ": no such file or folder");
        try (Arena arena = Arena.ofConfined()) {
            if (path.toString().endsWith(".gguf")) {
                Gguf file = Gguf.open(path, arena);
                Map<String, Object> facts = new LinkedHashMap<>();
                for (String key : file.metadata().keys())
                    facts.put(key, file.metadata().value(key));
                print("gguf", facts, file);
            } else if (!Files.isDirectory(path)) {
                Safetensors file = Safetensors.open(path, arena);
                print("safetensors", Map.copyOf(file.metadata()), file);
            } else if (Files.exists(path.resolve(ADAPTER))) {
                print(
                        "adapter",
                        config("adapter_config.json"),
                        Safetensors.open(path.resolve(ADAPTER), arena));
            } else if (Files.exists(path.resolve("config.json"))) {
                print("model", config("config.json"), Safetensors.openFolder(path, arena));
            } else {
                throw new UserError(
                        path
                                + " holds neither a model (config.json) nor an adapter ("
                                + ADAPTER
                                + ")");
            }
        }
        return Exit.DONE;
    }

    private Map<String, Object> config(String name) {
        Map<String, Object> out = new LinkedHashMap<>();
        Json.read(path.resolve(name))
                .entries()
                .forEach((key, value) -> out.put(key, value.isNull() ? "null" : value.plain()));
        return out;
    }

    private void print(String kind, Map<String, ?> facts, TensorFile file) {
        List<StoredTensor> tensors = file.names().stream().map(file::tensor).toList();
        long numbers = tensors.stream().mapToLong(StoredTensor::elements).sum();
        long bytes = tensors.stream().mapToLong(t -> t.data().byteSize()).sum();
        if (json) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("kind", kind);
            row.put("facts", facts);
            row.put("numbers", numbers);
            row.put("bytes", bytes);
            row.put("tensors", tensors.stream().map(Inspect::row).toList());
            shell.line(Json.write(row));
            return;
        }
        shell.out().println(path + ": " + kind);
        facts.forEach((key, value) -> shell.out().printf("  %s: %s%n", key, brief(value)));
        Map<String, Long> byType = new TreeMap<>();
        tensors.forEach(t -> byType.merge(t.type().toString(), t.data().byteSize(), Long::sum));
        shell.out()
                .printf(
                        "%d tensors, %s numbers, %s %s%n",
                        tensors.size(), Words.count(numbers), Words.bytes(bytes), byType.keySet());
        for (StoredTensor t : tensors)
            shell.out().printf("  %-50s %-5s %s%n", t.name(), t.type(), Arrays.toString(t.shape()));
        shell.flush();
    }

    private static Map<String, Object> row(StoredTensor t) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("name", t.name());
        row.put("type", t.type().toString());
        row.put("shape", t.shape());
        return row;
    }

    /**
     * Vocabularies have tens of thousands of words: a list is shown by its length, a long text by
     * its start.
     */
    private static String brief(Object value) {
        if (value instanceof List<?> list && list.size() > 8) return "[" + list.size() + " values]";
        if (value.getClass().isArray())
            return "[" + java.lang.reflect.Array.getLength(value) + " values]";
        String text = String.valueOf(value).replace("\n", "\\n");
        return text.length() > LONG_VALUE ? text.substring(0, LONG_VALUE) + "..." : text;
    }
}
