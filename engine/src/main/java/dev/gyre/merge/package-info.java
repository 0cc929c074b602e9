/** Adapters merged into their base. */
@NullMarked
package dev.gyre.merge;

import org.jspecify.annotations.NullMarked;
