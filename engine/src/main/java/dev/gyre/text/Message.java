package dev.gyre.text;

import java.util.List;

/**
 * One turn of a conversation.
 *
 * @param role usually one of {@link #ROLES}; what is allowed is up to the template
 * @param content the text of the turn
 */
public record Message(String role, String content) {
    /** The roles that files of rows and prompts may name. */
    public static final List<String> ROLES = List.of("system", "user", "assistant", "tool");
}
