/** Methods, adapters and their files. Knows no model family. */
@NullMarked
package dev.gyre.adapter;

import org.jspecify.annotations.NullMarked;
