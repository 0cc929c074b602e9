package dev.gyre.cli;

import dev.gyre.Gyre;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Settings;
import dev.gyre.adapter.method.Methods;
import dev.gyre.config.Json;
import dev.gyre.config.UserError;
import dev.gyre.train.MethodSpec;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code gyre methods}. */
@Command(
        name = "methods",
        description = "List the methods of adaptation and their settings.",
        sortOptions = false)
final class ListMethods implements Commands.Runs {
    private final Shell shell;

    @Mixin private Common common = new Common();

    @Parameters(paramLabel = "NAME", arity = "0..1", description = "One method [all].")
    private Optional<String> name = Optional.empty();

    @Option(
            names = "--base",
            paramLabel = "MODEL",
            description = "Say how many numbers each learns on this model, all linear layers.")
    private Optional<String> base = Optional.empty();

    @Option(names = "--json", description = "One JSON object a line.")
    private boolean json;

    @Option(names = "--markdown", description = "The page docs/methods.md.")
    private boolean markdown;

    ListMethods(Shell shell) {
        this.shell = shell;
    }

    @Override
    public Integer call() {
        if (markdown && (json || base.isPresent() || name.isPresent()))
            throw new UserError("--markdown prints one page and takes nothing else");
        List<MethodKind> kinds = name.map(n -> List.of(Methods.named(n))).orElse(Methods.ALL);
        if (markdown) {
            shell.out().print(MethodsPage.of(kinds));
            return Exit.DONE;
        }
        Map<String, Gyre.Learns> learns = base.map(b -> learns(b, kinds)).orElse(Map.of());
        for (MethodKind kind : kinds) {
            Optional<Gyre.Learns> own = Optional.ofNullable(learns.get(kind.name()));
            if (json) shell.line(Json.write(row(kind, own)));
            else print(kind, own);
        }
        return Exit.DONE;
    }

    private Map<String, Gyre.Learns> learns(String model, List<MethodKind> kinds) {
        return common.start(shell)
                .learns(
                        model,
                        kinds.stream().map(k -> new MethodSpec(k.name(), Map.of())).toList());
    }

    private static Map<String, Object> row(MethodKind kind, Optional<Gyre.Learns> learns) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("name", kind.name());
        row.put("peft_type", kind.peftType());
        row.put("summary", kind.summary());
        row.put("parts", kind.parts());
        row.put("count", kind.count());
        row.put("merges", kind.merges());
        row.put("serves", true);
        row.put("in_peft", kind.inPeft());
        row.put("learning_rate", rate(kind));
        learns.ifPresent(
                l -> {
                    l.numbers().ifPresent(n -> row.put("learns", n));
                    if (!l.whyNot().isEmpty()) row.put("does_not_fit", l.whyNot());
                });
        row.put("settings", kind.settings());
        return row;
    }

    private void print(MethodKind kind, Optional<Gyre.Learns> learns) {
        shell.line(kind.name() + ": " + kind.summary());
        fact("acts", kind.parts());
        fact("learns", kind.count() + " a slot, with in and out its widths");
        learns.ifPresent(
                l ->
                        fact(
                                "on this base",
                                l.numbers().isPresent()
                                        ? Words.count(l.numbers().getAsLong()) + " numbers"
                                        : "does not fit: " + l.whyNot()));
        fact("merges", kind.merges() ? "yes" : "no, it depends on the input");
        fact("serves", "yes, beside others in one batch");
        fact(
                "files",
                kind.inPeft() ? "as PEFT's, both ways" : "in PEFT's manner; PEFT has no such");
        fact("learning rate", String.valueOf(rate(kind)));
        kind.settings().forEach((key, about) -> shell.out().printf("    %-18s %s%n", key, about));
        shell.line("");
    }

    private void fact(String key, String value) {
        shell.out().printf("  %-15s %s%n", key, value);
    }

    static double rate(MethodKind kind) {
        return kind.of(new Settings(kind.name(), Map.of())).learningRate();
    }
}
