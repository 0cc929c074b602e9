/**
 * The quickstart's task: plain English about the orders, tickets and mail of a small shop, to a
 * strict query language of our own. It lives in {@code data} because it makes examples and needs
 * nothing but a random stream.
 */
@NullMarked
package dev.gyre.data.quickstart;

import org.jspecify.annotations.NullMarked;
