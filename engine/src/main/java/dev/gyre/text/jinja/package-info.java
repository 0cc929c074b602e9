/**
 * The part of the Jinja language that chat templates use, with the meaning that Python's jinja2
 * gives it. Knows nothing of chats.
 */
@NullMarked
package dev.gyre.text.jinja;

import org.jspecify.annotations.NullMarked;
