import CPlatform

/// Pages of the program and its libraries in this process's memory.
package enum CodePages {
    /// Lets go of those that starting has touched; what runs from now on brings its own back, from the page cache. Of a router without a
    /// model they are more than half of what is resident.
    package static func forget() { skein_forget_code_pages() }
}
