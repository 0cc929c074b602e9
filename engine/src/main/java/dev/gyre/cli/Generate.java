package dev.gyre.cli;

import dev.gyre.Decoding;
import dev.gyre.Gyre;
import dev.gyre.Piece;
import dev.gyre.Prompt;
import dev.gyre.config.Json;
import dev.gyre.config.UserError;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** {@code gyre generate}. */
@Command(
        name = "generate",
        description = "Answer one prompt as it comes, or many together.",
        sortOptions = false)
final class Generate implements Commands.Runs {
    private final Shell shell;

    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private Opening opening = new Opening();
    @Mixin private Common common = new Common();
    @Mixin private Asking asking = new Asking();

    @Option(names = "--prompt", paramLabel = "TEXT", description = "What to ask; repeats.")
    private List<String> prompts = List.of();

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "jsonl, each line {\"prompt\": ...} or {\"messages\": [...]}.")
    private Optional<Path> file = Optional.empty();

    @Option(names = "--json", description = "An object for each answer, one a line.")
    private boolean json;

    Generate(Shell shell) {
        this.shell = shell;
    }

    @Override
    public void extend(CommandSpec spec) {
        Asking.extend(spec);
    }

    @Override
    public Integer call() {
        List<Prompt> all = new ArrayList<>(prompts.stream().<Prompt>map(Prompt.Chat::ask).toList());
        file.ifPresent(f -> all.addAll(PromptFile.read(f)));
        if (all.isEmpty())
            throw new UserError("nothing to answer; give --prompt TEXT or --prompts FILE");
        Decoding decoding = Asking.decoding(spec);
        Gyre.Source source = opening.source(asking.template());
        List<Prompt> asked = all.stream().map(this::framed).toList();
        try (Gyre.Loaded model = opening.start(common, shell).open(source)) {
            model.generate(asked, decoding, json ? rows(asked) : text(asked));
        }
        return Exit.DONE;
    }

    /** The prompt with the system text in front, or bare when no template is wanted. */
    private Prompt framed(Prompt prompt) {
        if (!(prompt instanceof Prompt.Chat(var turns))) return prompt;
        if (asking.bare()) {
            if (turns.size() > 1 || asking.system().isPresent())
                throw new UserError(
                        "--template none takes one text as it is; it has no place for several"
                                + " messages or --system");
            return new Prompt.Plain(turns.getFirst().text());
        }
        if (asking.system().isEmpty()) return prompt;
        if (turns.getFirst().role().equals("system"))
            throw new UserError("--system is given, and the messages begin with a system text too");
        var with = new ArrayList<>(List.of(new Prompt.Turn("system", asking.system().get())));
        with.addAll(turns);
        return new Prompt.Chat(with);
    }

    /**
     * One answer streams; several are printed when complete, under their prompts, in the order
     * asked.
     */
    private Consumer<Piece> text(List<Prompt> asked) {
        if (asked.size() == 1)
            return piece -> {
                switch (piece) {
                    case Piece.Text(int index, String text) -> {
                        shell.out().print(text);
                        shell.flush();
                    }
                    case Piece.Done done -> {
                        shell.line("");
                        sayWhereCutOff(shell, done);
                    }
                }
            };
        return new InOrder(
                done -> {
                    shell.out().println("> " + words(asked.get(done.index())));
                    shell.line(done.text() + "\n");
                    sayWhereCutOff(shell, done);
                });
    }

    static void sayWhereCutOff(Shell shell, Piece.Done done) {
        if (done.finish() == Piece.Finish.LENGTH)
            shell.err().println("(cut off after " + done.tokens() + " tokens)");
    }

    private Consumer<Piece> rows(List<Prompt> asked) {
        return new InOrder(
                done -> {
                    Map<String, Object> row = new LinkedHashMap<>();
                    row.put("index", done.index());
                    row.put("prompt", words(asked.get(done.index())));
                    row.put("text", done.text());
                    row.put("tokens", done.tokens());
                    row.put("finish_reason", done.finish().word());
                    shell.line(Json.write(row));
                });
    }

    /** What was asked last. */
    private static String words(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Plain(String text) -> text;
            case Prompt.Chat(var turns) -> turns.getLast().text();
        };
    }

    /** Complete answers in the order of their prompts. */
    private static final class InOrder implements Consumer<Piece> {
        private final Consumer<Piece.Done> next;
        private final Map<Integer, Piece.Done> waiting = new LinkedHashMap<>();
        private int due;

        InOrder(Consumer<Piece.Done> next) {
            this.next = next;
        }

        @Override
        public void accept(Piece piece) {
            if (!(piece instanceof Piece.Done done)) return;
            waiting.put(done.index(), done);
            for (Piece.Done ready = waiting.remove(due);
                    ready != null;
                    ready = waiting.remove(due)) {
                next.accept(ready);
                due++;
            }
        }
    }
}
