# Writes a C++ file that has the bytes of FILES in it: cmake -D OUTPUT=files.cc -D "FILES=a.css;b.js" -P embed_files.cmake
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char kBytes${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", {kBytes${number}, sizeof(kBytes${number})}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"metrics/status_page_files.h\"

namespace poplar::metrics {
namespace {

${arrays}
constexpr StatusPageFile kFiles[] = {
${rows}};

}  // namespace

std::span<const StatusPageFile> StatusPageFiles() { return kFiles; }

}  // namespace poplar::metrics
")
