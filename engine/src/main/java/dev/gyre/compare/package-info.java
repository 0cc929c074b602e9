/** Methods under one budget: which runs, what they measured, and what may be concluded. */
@NullMarked
package dev.gyre.compare;

import org.jspecify.annotations.NullMarked;
