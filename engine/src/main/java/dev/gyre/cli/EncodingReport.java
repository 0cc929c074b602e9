package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.config.Json;

import me.tongfei.progressbar.ProgressBarBuilder;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Encodes a model: progress while it runs, then each layer's error and what became of the whole.
 */
final class EncodingReport {
    /** The path of a layer, in the name of something within it. */
    private static final Pattern LAYER = Pattern.compile("(.*?\\.\\d+)\\..*");

    private final Shell shell;
    private final boolean json;

    EncodingReport(Shell shell, boolean json) {
        this.shell = shell;
        this.json = json;
    }

    void run(Gyre gyre, Gyre.Source source, Gyre.Encoding how) {
        Gyre.Written made;
        if (shell.fancy(shell.errIsTerminal())) {
            var builder = new ProgressBarBuilder().setTaskName("encoding").setInitialMax(-1);
            try (var bar = new LiveBar(shell, builder)) {
                var done = new int[1];
                made = gyre.encode(source, how, _ -> bar.step(++done[0]));
            }
        } else {
            var notes = new Notes(shell);
            var done = new int[1];
            // How many there will be is not known before; each line says how many there are.
            made =
                    gyre.encode(
                            source,
                            how,
                            _ -> notes.worked("encoding weights", ++done[0], Long.MAX_VALUE));
        }
        if (json) shell.line(Json.write(row(made)));
        else print(made, how.to());
    }

    private static Map<String, Object> row(Gyre.Written made) {
        var weights = new ArrayList<Map<String, Object>>();
        for (var weight : made.weights()) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("name", weight.name());
            row.put("encoding", weight.encoding());
            row.put("wanted", weight.wanted());
            row.put("error", weight.error());
            weights.add(row);
        }
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("out", made.out().toString());
        row.put("bytes", made.bytes());
        row.put("drift", made.drift());
        row.put("probe_tokens", made.tokens());
        row.put("weights", weights);
        return row;
    }

    private void print(Gyre.Written made, String to) {
        var layers = new LinkedHashMap<String, List<Gyre.EncodedWeight>>();
        for (var weight : made.weights())
            layers.computeIfAbsent(layer(weight.name()), _ -> new ArrayList<>()).add(weight);
        int width = layers.keySet().stream().mapToInt(String::length).max().orElse(0);
        shell.line(
                Words.format("%-" + Math.max(5, width) + "s  largest error  encodings", "layer"));
        layers.forEach((name, weights) -> shell.line(line(name, weights, width)));
        fallbacks(made).forEach(shell::line);
        shell.line(
                Words.format(
                        "%s: %s as %s; log-probabilities moved by at most %.2g over %d tokens",
                        made.out(), Words.bytes(made.bytes()), to, made.drift(), made.tokens()));
    }

    private static String layer(String name) {
        var matcher = LAYER.matcher(name);
        return matcher.matches() ? matcher.group(1) : name;
    }

    private static String line(String name, List<Gyre.EncodedWeight> weights, int width) {
        double worst = weights.stream().mapToDouble(Gyre.EncodedWeight::error).max().orElse(0);
        var encodings = new LinkedHashSet<String>();
        weights.forEach(w -> encodings.add(w.encoding()));
        return Words.format(
                "%-" + Math.max(5, width) + "s  %11.3f %%  %s",
                name,
                100 * worst,
                String.join(", ", encodings));
    }

    /** What llama.cpp's quantiser does, too, and says. */
    private static List<String> fallbacks(Gyre.Written made) {
        return made.weights().stream()
                .filter(w -> !w.encoding().equals(w.wanted()))
                .collect(
                        Collectors.groupingBy(
                                w ->
                                        "of %d numbers are not whole blocks of %s: %s instead"
                                                .formatted(w.columns(), w.wanted(), w.encoding()),
                                TreeMap::new,
                                Collectors.counting()))
                .entrySet()
                .stream()
                .map(e -> "rows " + e.getKey() + ", in " + e.getValue() + " weights")
                .toList();
    }
}
