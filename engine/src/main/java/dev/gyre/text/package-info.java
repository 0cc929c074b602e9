/** Tokenizers and chat templates. */
@NullMarked
package dev.gyre.text;

import org.jspecify.annotations.NullMarked;
