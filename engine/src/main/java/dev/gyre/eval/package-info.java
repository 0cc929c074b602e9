/** Perplexity and task scores. */
@NullMarked
package dev.gyre.eval;

import org.jspecify.annotations.NullMarked;
