/** Readers of examples, masking of labels, batches. */
@NullMarked
package dev.gyre.data;

import org.jspecify.annotations.NullMarked;
