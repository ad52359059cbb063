#include "tools/redaction.hpp"
