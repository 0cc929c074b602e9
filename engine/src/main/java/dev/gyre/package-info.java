/** The Java API: open a model, train an adapter, generate, merge. */
@NullMarked
package dev.gyre;

import org.jspecify.annotations.NullMarked;
