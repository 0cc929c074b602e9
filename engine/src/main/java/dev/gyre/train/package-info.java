/** The trainer, its recipe, optimiser and events. */
@NullMarked
package dev.gyre.train;

import org.jspecify.annotations.NullMarked;
