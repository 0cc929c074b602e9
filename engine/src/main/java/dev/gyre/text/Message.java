package dev.gyre.text;

/**
 * One turn of a conversation.
 *
 * @param role usually {@code system}, {@code user} or {@code assistant}; what is allowed is up to
 *     the template
 * @param content the text of the turn
 */
public record Message(String role, String content) {}
