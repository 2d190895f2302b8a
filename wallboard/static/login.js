// Whoever comes by the address of an order gets there after signing in: the answer to the form goes on to its fragment.

if (location.hash.startsWith("#order=")) document.forms[0].action = `/login${location.hash}`;
