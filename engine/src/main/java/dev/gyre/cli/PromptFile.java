package dev.gyre.cli;

import dev.gyre.Prompt;
import dev.gyre.config.Json;
import dev.gyre.config.NearMiss;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Prompts from a jsonl file: {@code {"prompt": …}} or {@code {"messages": […]}} a line. A {@code
 * completion} may stand beside the prompt, so that held-out rows can be asked as they are.
 */
final class PromptFile {
    private static final List<String> KEYS = List.of("prompt", "completion", "messages");

    private PromptFile() {}

    /**
     * Reads a file.
     *
     * @throws UserError naming file and line
     */
    static List<Prompt> read(Path file) {
        var out = new ArrayList<Prompt>();
        try {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                if (!line.isBlank()) out.add(row(Json.read(line, file.toString(), number)));
            }
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
        if (out.isEmpty()) throw new UserError(file + " holds no prompts");
        return out;
    }

    private static Prompt row(Tree row) {
        for (var entry : row.entries().entrySet())
            if (!KEYS.contains(entry.getKey()))
                throw new UserError(
                        "%s: unknown key \"%s\"%s"
                                .formatted(
                                        row.where(),
                                        entry.getKey(),
                                        NearMiss.hint(entry.getKey(), KEYS)));
        if (row.get("messages").isEmpty()) return Prompt.Chat.ask(row.need("prompt").text());
        var turns =
                row.need("messages").items().stream()
                        .map(t -> new Prompt.Turn(t.need("role").text(), t.need("content").text()))
                        .toList();
        if (turns.isEmpty()) throw row.need("messages").wrong("at least one message");
        return new Prompt.Chat(turns);
    }
}
