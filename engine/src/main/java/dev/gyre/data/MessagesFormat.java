package dev.gyre.data;

import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.text.Message;
import java.util.ArrayList;
import java.util.Set;

/** Rows {@code {"messages": [{"role": "user", "content": "…"}, …]}}. */
final class MessagesFormat implements Format {
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");

    @Override
    public String name() {
        return "messages";
    }

    @Override
    public Set<String> keys() {
        return Set.of("messages");
    }

    @Override
    public Example read(Tree row) {
        var messages = new ArrayList<Message>();
        for (Tree turn : row.need("messages").items()) {
            for (String key : turn.entries().keySet())
                if (!key.equals("role") && !key.equals("content"))
                    throw new UserError("%s: a message has the keys role and content, not \"%s\""
                            .formatted(turn.where(), key));
            Tree role = turn.need("role");
            if (!ROLES.contains(role.text())) throw role.wrong("one of system, user, assistant, tool");
            messages.add(new Message(role.text(), turn.need("content").text()));
        }
        if (messages.isEmpty()) throw row.need("messages").wrong("a list with at least one message");
        return new Example.Chat(messages, row.where());
    }
}
